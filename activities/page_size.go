package activities

import (
	"fmt"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/text"
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

// sizeOf is about what travels of an order, in bytes.
func sizeOf(order contract.Order) int {
	const around = 512 // ids, times and the names of fields
	if len(order.Fields) <= contract.LongestPlain {
		return len(order.Fields) + around
	}
	// What Pick made can be written as JSON.
	form, _ := order.MarshalJSON()
	return len(form) + around
}

// orderTooLarge is why an order that can't travel stays behind. Its page and the other
// orders go on without it.
func orderTooLarge(id string, size int) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: reasonOrderTooLarge,
		Message: fmt.Sprintf("售后单 %[1]s 压缩后仍有 %[2]d KiB，超过 %[3]d KiB，无法保存。 Order %[1]s is %[2]d KiB even when compressed, over %[3]d KiB, and can't be saved",
			id, size>>10, longestOrder>>10),
		Advice: text.Literal("请在金蝶手工录入这张退货单，或让流程少用几个字段。 Enter its bill by hand in Kingdee, or have the flow name fewer fields"),
	}
}
