// Package reconcile says how the orders of the source and the bills of Kingdee agree: order by
// order, line by line and in sum.
package reconcile

import (
	"time"

	"github.com/shopspring/decimal"
)

// Kind says how an order and its bills agree. Each order and each bill of a report has
// exactly one.
type Kind string

// The kinds, in the order in which a report lists them.
const (
	// Agrees: the order has its bill, and the two are the same.
	Agrees Kind = "agrees"
	// Missing: the order should have a bill and has none, nor is it parked.
	Missing Kind = "missing"
	// Parked: the order has no bill, and waits; Reason says why.
	Parked Kind = "parked"
	// Unmapped: the order has no bill because the flow cannot map it, and it is not parked;
	// Reason says why.
	Unmapped Kind = "unmapped"
	// Different: the bill differs from what the flow makes of the order now; Reason says why
	// if the flow can't map the order any more.
	Different Kind = "different"
	// Doubled: a bill with the mark of an order that is not the order's own: a further one
	// under its number, or one under another number.
	Doubled Kind = "doubled"
	// Void: the order's only bill is void (作废) in Kingdee.
	Void Kind = "void"
	// Withdrawn: the flow leaves the order out, for instance because it was cancelled, and
	// yet its bill stands; Reason says why.
	Withdrawn Kind = "withdrawn"
	// OnlyInKingdee: the bill carries our mark, and the source does not show its order;
	// Reason is set if the source can't be asked for it.
	OnlyInKingdee Kind = "only_in_kingdee"
	// OthersBill: the bill has our customers and bill type but no mark of ours: a person or
	// another program made it. Or its mark is of another flow, which Reason names.
	OthersBill Kind = "others_bill"
	// LeftOut: the flow leaves the order out, or a person has discarded it, and it has no bill;
	// Reason says why.
	LeftOut Kind = "left_out"
)

// Kinds are all kinds, in the order in which a report lists them.
var Kinds = []Kind{Agrees, Missing, Parked, Unmapped, Different, Doubled, Void, Withdrawn, OnlyInKingdee, OthersBill, LeftOut}

// Differs reports whether rows of the kind are differences between the two systems, which a
// person or a repair must settle. Bills of others and orders that are left out are shown
// apart, so that the sums are complete, and are none.
func (k Kind) Differs() bool { return k != Agrees && k != LeftOut && k != OthersBill }

// Sum is a number of orders, or of bills on Kingdee's side, with their quantity and their
// amount with tax. An order that the flow leaves out or can't map counts with the quantity
// and amount of its lines as the source shows them, as far as the flow names these fields
// and they can be read. A void bill books nothing and counts nowhere.
type Sum struct {
	Count    int             `json:"count"`
	Quantity decimal.Decimal `json:"quantity"`
	Amount   decimal.Decimal `json:"amount"`
}

// Add adds another sum.
func (s *Sum) Add(other Sum) {
	s.Count += other.Count
	s.Quantity = s.Quantity.Add(other.Quantity)
	s.Amount = s.Amount.Add(other.Amount)
}

// Sides are the sums of both systems.
type Sides struct {
	Source  Sum `json:"source"`
	Kingdee Sum `json:"kingdee"`
}

// Add adds the sums of others.
func (s *Sides) Add(other Sides) {
	s.Source.Add(other.Source)
	s.Kingdee.Add(other.Kingdee)
}

// Row is an order with its bill, or one of the two alone.
type Row struct {
	Kind Kind `json:"kind"`
	// Reason is set where the kind's description says so.
	Reason string `json:"reason,omitempty"`
	// OrderID is the order's key, "" for a bill without a mark, and OnlineOrder the shop's
	// order number if the flow names it.
	OrderID     string `json:"id,omitempty"`
	OnlineOrder string `json:"online_order,omitempty"`
	// BillNumber is the number that the order should have, or that the bill has.
	BillNumber string `json:"bill_number,omitempty"`
	// Day is the bill's date, 2006-01-02: Kingdee's if there is a bill, else the one that
	// the flow gives, else the day of the order's last change.
	Day string `json:"day"`
	// At is the order's time by which ranges of the source go; zero if unknown.
	At time.Time `json:"at,omitzero"`
	// Shop is the shop's name, Customer and Warehouse are codes of Kingdee's; "" where
	// unknown. Several warehouses are joined by ", ".
	Shop      string `json:"shop,omitempty"`
	Customer  string `json:"customer,omitempty"`
	Warehouse string `json:"warehouse,omitempty"`
	// Sides counts 1 order if the source has it, and its bills.
	Sides
	// Status is the bill's FDocumentStatus, "" without a bill. NotAudited means that the flow
	// wants audited bills and this one is not.
	Status     string `json:"status,omitempty"`
	NotAudited bool   `json:"not_audited,omitempty"`
	// Version is that of the flow in the bill's mark, 6 hex digits. OlderFlow means that it
	// is not the current one.
	Version   string `json:"version,omitempty"`
	OlderFlow bool   `json:"older_flow,omitempty"`
	// Differences are the first [MostDifferences] of a row of kind Different, and
	// MoreDifferences counts the others.
	Differences     []Difference `json:"differences,omitempty"`
	MoreDifferences int          `json:"more_differences,omitempty"`
}

// MostDifferences bounds the differences that a row names.
const MostDifferences = 50

// Fields that are compared, for Difference.Field.
const (
	// FieldOrder is the order that the bill's note names.
	FieldOrder     = "order"
	FieldCustomer  = "customer"
	FieldDate      = "date"
	FieldQuantity  = "quantity"
	FieldPrice     = "price"
	FieldWarehouse = "warehouse"
	FieldAmount    = "amount"
	// FieldTotal is the amount of the whole bill.
	FieldTotal = "total"
)

// Difference is a value of a bill that is not what the flow makes of the order.
type Difference struct {
	// Field is one of the Field constants.
	Field string `json:"field"`
	// Item is what the lines are about, such as a material; "" for the head.
	Item    string `json:"item,omitempty"`
	Source  string `json:"source"`
	Kingdee string `json:"kingdee"`
}

// Group is the sums of one day, shop or warehouse. Differences counts its rows that differ.
type Group struct {
	Name string `json:"name"`
	Sides
	Differences int `json:"differences"`
}

// KindSum is the sums of the rows of one kind and reason.
type KindSum struct {
	Kind   Kind   `json:"kind"`
	Reason string `json:"reason,omitempty"`
	Sides
}

// Report is a reconciliation without its rows.
type Report struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Version is the flow's, and ProgramVersion the worker's.
	Version        string `json:"version"`
	ProgramVersion string `json:"program_version"`
	// From and To bound what was reconciled, both included, in Beijing time: orders that
	// were last changed then, and orders and bills that are dated then.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// ReadFrom and ReadTo bound the times of change of the orders that were read.
	ReadFrom time.Time `json:"read_from"`
	ReadTo   time.Time `json:"read_to"`
	// StartedAt and EndedAt are in Beijing time. By is who asked for it.
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	By        string    `json:"by,omitempty"`
	// WorkflowID and RunID are of the Reconcile workflow.
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// Money: the bills have amounts alone, without quantities.
	Money bool `json:"money,omitempty"`
	// Tolerance is the difference of amounts that was allowed; zero unless given.
	Tolerance decimal.Decimal `json:"tolerance"`

	Sums
}
