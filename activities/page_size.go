package activities

import (
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// longestOrder and longestPage bound the size of one order, and of all orders of a
	// page together, in bytes. Temporal refuses a payload over 2 MiB and a request over
	// 4 MiB, and a workflow dispatches the orders of a page in one request.
	longestOrder = 512 << 10
	longestPage  = 1 << 20

	// reasonOrderTooLarge is for an order that does not fit, even compressed.
	reasonOrderTooLarge = "order_too_large"
)

// sizeOf is the approximate size of an order in a payload, in bytes.
func sizeOf(order contract.Order) int {
	const around = 512 // ids, times and the names of fields
	if len(order.Fields) <= contract.LongestPlain {
		return len(order.Fields) + around
	}
	// What Pick made can be marshalled.
	form, _ := order.MarshalJSON()
	return len(form) + around
}

// orderTooLarge is the failure of an order that does not fit into a payload. The other
// orders of its page go on without it.
func orderTooLarge(id string, size int) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: reasonOrderTooLarge,
		Err:    text.Errorf("order %s has %d KiB even when compressed, more than %d KiB, and cannot be saved", id, size>>10, longestOrder>>10),
		Advice: text.New("Enter its bill by hand in Kingdee, or use fewer fields in the flow"),
	}
}
