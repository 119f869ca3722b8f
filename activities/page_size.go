package activities

import (
	"fmt"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

const (
	// longestOrder and longestPage bound what travels of one order, and of all
	// orders of a page together, in bytes. Temporal refuses a payload over 2 MiB
	// and a request over 4 MiB, and a workflow gives out the orders of a page in
	// one request.
	longestOrder = 512 << 10
	longestPage  = 1 << 20

	// reasonOrderTooLarge is of an order that does not fit, even compressed.
	reasonOrderTooLarge = "order_too_large"
)

// pageSize counts what travels of a page.
type pageSize struct {
	bytes int
}

// add puts an order into its page, or among those that failed if there is no room.
func (s *pageSize) add(page *workflows.FetchPageResult, order flow.Order) {
	if err := s.take(order); err != nil {
		page.Failed = append(page.Failed, stayedBehind(order, err))
		return
	}
	page.Orders = append(page.Orders, order)
}

// addLeftOut keeps the orders of those that are left out, as far as there is room:
// what is to be saved has it first.
func (s *pageSize) addLeftOut(page *workflows.FetchPageResult) {
	for i := range page.Skipped {
		if skipped := &page.Skipped[i]; skipped.Order != nil && s.take(*skipped.Order) != nil {
			skipped.Order = nil
		}
	}
}

// take takes an order in, or says why it must stay behind. Its page and the
// other orders go on without it.
func (s *pageSize) take(order flow.Order) error {
	// What Pick made can be written as JSON.
	form, _ := order.MarshalJSON()
	size := len(form)
	switch {
	case size > longestOrder:
		return &fault.Error{
			Class:  fault.Final,
			Reason: reasonOrderTooLarge,
			Message: fmt.Sprintf("售后单 %[1]s 压缩后仍有 %[2]d KiB，超过 %[3]d KiB，无法保存。 Order %[1]s is %[2]d KiB even when compressed, over %[3]d KiB, and can't be saved",
				order.ID, size>>10, longestOrder>>10),
			Advice: "请在金蝶手工录入这张退货单，或让流程少用几个字段。 Enter its bill by hand in Kingdee, or have the flow name fewer fields",
		}
	case s.bytes+size > longestPage:
		return &fault.Error{
			Class:  fault.Final,
			Reason: reasonOrderTooLarge,
			Message: fmt.Sprintf("售后单 %[1]s 所在的页压缩后超过 %[2]d KiB，没有保存这一单。 The page of order %[1]s is over %[2]d KiB even when compressed, and the order was not saved",
				order.ID, longestPage>>10),
			Advice: "请把流程文件里的 page_size 调小，再重跑同一时段。 Lower page_size in the flow file and run the range again",
		}
	}
	s.bytes += size
	return nil
}

// stayedBehind is the failure of an order that its page has no room for.
func stayedBehind(order flow.Order, err error) workflows.Failure {
	return workflows.Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: reasonOrderTooLarge, Message: workflows.ShortMessage(err.Error())}
}
