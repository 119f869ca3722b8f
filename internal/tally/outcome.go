// Package tally counts the outcomes of the orders that a source shows: each order once,
// however often it is shown, under the outcome of its newest version.
package tally

import (
	"slices"

	"refundsync/internal/text"
)

// Outcome is the outcome of an order.
type Outcome string

// The outcomes that saving an order can have.
const (
	// Saved is a bill that this run created or finished.
	Saved Outcome = "saved"
	// Updated is a bill that this run changed, because its order had changed.
	Updated Outcome = "updated"
	// AlreadySaved is a bill that existed before.
	AlreadySaved Outcome = "already_saved"
	// LeftOut is an order that the flow leaves out and that has no bill, except that of a
	// later version.
	LeftOut Outcome = "left_out"
	// BillDeleted is LeftOut, and its bill was deleted by this run.
	BillDeleted Outcome = "bill_deleted"
)

// The other outcomes.
const (
	// Open: not decided yet, and not counted.
	Open Outcome = ""
	// Outside: the order belongs to a neighbouring window and is not counted.
	Outside Outcome = "outside"
	// Parked: the order was parked before this run and still is.
	Parked Outcome = "parked"
	// NewlyParked: this run parked the order.
	NewlyParked Outcome = "newly_parked"
	// Failed: the order could not be saved and was not parked.
	Failed Outcome = "failed"
	// Unparked: parking the order failed as well, so the next run must read it anew.
	Unparked Outcome = "unparked"
)

// Label is the outcome as people see it, which is coarser: it does not matter to them
// whether an order was parked before or will be read anew.
func (o Outcome) Label() string {
	switch o {
	case NewlyParked:
		return string(Parked)
	case Unparked:
		return string(Failed)
	case LeftOut, BillDeleted:
		return "skipped"
	}
	return string(o)
}

// HasFailed reports whether an order could not be saved.
func (o Outcome) HasFailed() bool {
	return slices.Contains([]Outcome{Parked, NewlyParked, Failed, Unparked}, o)
}

// IsLeftOut reports whether the flow leaves the order out.
func (o Outcome) IsLeftOut() bool { return o == LeftOut || o == BillDeleted }

// HasBill reports whether the order has its bill.
func (o Outcome) HasBill() bool { return o == Saved || o == Updated || o == AlreadySaved }

// Failure is an order that could not be saved, and why.
type Failure struct {
	// ID is the order's key, or [UnkeyedPrefix] and a hash for a record without one.
	ID         string `json:"id"`
	BillNumber string `json:"bill_number"`
	// Reason is a short stable code to group by.
	Reason string `json:"reason"`
	// Message says what happened and what to do, for a person.
	Message text.Text `json:"message"`
	// Field is the vendor's name of the field at fault, where known.
	Field string `json:"field,omitempty"`
}

// UnkeyedPrefix begins the ID of a record of the source without a readable key.
const UnkeyedPrefix = "sha256:"

// Reasons of failures that are about an existing bill.
const (
	// OrderChanged: the order has changed since its bill was saved, and the bill was
	// left as it is.
	OrderChanged = "order_changed"
	// OrderWithdrawn: the order was cancelled, merged or un-confirmed since its bill was
	// saved.
	OrderWithdrawn = "order_withdrawn"
	// DoubleBill: there are several bills under the number.
	DoubleBill = "double_bill"
	// BillsIncomplete: the order has several bills, and one in between is missing.
	BillsIncomplete = "bills_incomplete"
	// SourceBillMissing: the flow requires a source bill, and none has enough left.
	SourceBillMissing = "source_bill_missing"
	// BillVoid: the bill under the number was voided (作废).
	BillVoid = "bill_void"
)

// Reasons for which no order of a run may be saved: a saved bill would not be found or
// recognised later.
const (
	// BillRenumbered: Kingdee gave a bill another number than was sent.
	BillRenumbered = "bill_renumbered"
	// BillHidden: look-ups do not show a saved bill.
	BillHidden = "bill_hidden"
	// MarkLost: a bill's mark is not as it was sent.
	MarkLost = "mark_lost"
	// NumberChanged: bills have other numbers than the flow gives their orders now.
	NumberChanged = "number_changed"
	// FieldUnreadable: the user has no right to a field.
	FieldUnreadable = "field_unreadable"
)

// StopsRun reports whether a failure for this reason means that no order of the run may
// be saved.
func StopsRun(reason string) bool {
	return slices.Contains([]string{BillRenumbered, BillHidden, MarkLost, NumberChanged, FieldUnreadable}, reason)
}
