// Package tally says what becomes of the orders that a source shows, and counts it:
// each order once, however often it is shown, under what became of its newest version.
package tally

import (
	"slices"

	"refundsync/internal/text"
)

// Outcome is what became of an order.
type Outcome string

// The outcomes that saving an order can have.
const (
	// Saved is a bill that this run brought into being or finished.
	Saved Outcome = "saved"
	// Updated is a bill that this run changed, because its order had changed.
	Updated Outcome = "updated"
	// AlreadySaved is a bill that somebody else had saved.
	AlreadySaved Outcome = "already_saved"
	// LeftOut is an order that the flow leaves out, and that has no bill but that of
	// a later version of it, if any.
	LeftOut Outcome = "left_out"
)

// BillDeleted stands behind the reason of an order that is LeftOut and whose bill was
// deleted for it.
const BillDeleted = "，单据已删除 (its bill was deleted)"

// The other outcomes.
const (
	// Open: not decided yet, and not counted.
	Open Outcome = ""
	// Outside: the order belongs to a neighbouring window, and is not counted.
	Outside Outcome = "outside"
	// Parked: it waits, as it did before.
	Parked Outcome = "parked"
	// NewlyParked: it waits, and did not before.
	NewlyParked Outcome = "newly_parked"
	// Failed: it could not even be parked.
	Failed Outcome = "failed"
	// Unparked: failed, and the next run has to find it again.
	Unparked Outcome = "unparked"
)

// Label is the outcome as people are told of it: whether an order waited before, or
// comes again, is no difference to them.
func (o Outcome) Label() string {
	switch o {
	case NewlyParked:
		return string(Parked)
	case Unparked:
		return string(Failed)
	case LeftOut:
		return "skipped"
	}
	return string(o)
}

// HasFailed reports whether an order was parked, or not even that.
func (o Outcome) HasFailed() bool {
	return slices.Contains([]Outcome{Parked, NewlyParked, Failed, Unparked}, o)
}

// HasBill reports whether the order has its bill.
func (o Outcome) HasBill() bool { return o == Saved || o == Updated || o == AlreadySaved }

// Failure is an order that could not be saved, and why.
type Failure struct {
	ID         string `json:"as_id"`
	BillNumber string `json:"bill_number"`
	// Reason is a short stable code to group by.
	Reason string `json:"reason"`
	// Message says what happened and what to do, for a person.
	Message text.Text `json:"message"`
	// Field is the vendor's name of the field at fault, where known.
	Field string `json:"field,omitempty"`
}

// Reasons for which an order fails that are about the bill that is there.
const (
	// OrderChanged: the order has changed since its bill was saved, and the bill
	// was left as it is.
	OrderChanged = "order_changed"
	// OrderWithdrawn: the order was cancelled, merged or un-confirmed since its bill was
	// saved.
	OrderWithdrawn = "order_withdrawn"
	// DoubleBill: there are several bills under the number.
	DoubleBill = "double_bill"
	// BillsIncomplete: of several bills of the order one in between is missing.
	BillsIncomplete = "bills_incomplete"
	// BillVoid: the bill under the number was made void (作废).
	BillVoid = "bill_void"
)

// Reasons for which no order of a run may be saved: a bill that is saved would not be
// found again, or not be known.
const (
	// BillRenumbered: Kingdee gave a bill another number than was sent.
	BillRenumbered = "bill_renumbered"
	// BillHidden: look-ups do not show a bill that was saved.
	BillHidden = "bill_hidden"
	// MarkLost: a bill's mark is not as it was sent.
	MarkLost = "mark_lost"
	// NumberChanged: bills have other numbers than the flow gives their orders now.
	NumberChanged = "number_changed"
	// FieldUnreadable: the user has no right to a field.
	FieldUnreadable = "field_unreadable"
)

// ClosesTheWay reports whether a reason is one for which no order may be saved.
func ClosesTheWay(reason string) bool {
	return slices.Contains([]string{BillRenumbered, BillHidden, MarkLost, NumberChanged, FieldUnreadable}, reason)
}
