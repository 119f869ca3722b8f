package reconcile

import (
	"slices"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
)

// wording is what people read about a kind.
type wording struct{ label, meaning, advice text.Text }

var textsOfKinds = map[Kind]wording{
	Agrees: {
		text.New("Agrees"),
		text.New("The order has its bill, and both are the same."),
		text.Text{},
	},
	Missing: {
		text.New("Missing in Kingdee"),
		text.New("The order should have a bill, has none, and is not parked."),
		text.New("Sync the order: starter reconcile --repair, or starter run --order with its number."),
	},
	Parked: {
		text.New("Parked"),
		text.New("The order could not be saved, and waits; the reason says why."),
		text.New("Correct what the reason says, then starter parked retry with its number."),
	},
	Unmapped: {
		text.New("Can't be mapped"),
		text.New("The flow can't make a bill of the order, and the order is not parked; the reason says why."),
		text.New("Correct what the reason says in Jushuitan, in Kingdee or in the flow file, then sync the order."),
	},
	Different: {
		text.New("Different"),
		text.New("The bill differs from what the flow makes of the order now."),
		text.New("Find out who changed what after the sync, and correct the bill in Kingdee or the order in Jushuitan."),
	},
	Doubled: {
		text.New("Doubled"),
		text.New("A bill with the mark of an order that is not the order's own: a further one under its number, or one under another number."),
		text.New("Check both bills, and delete or void the one that is too many in Kingdee."),
	},
	Void: {
		text.New("Void in Kingdee"),
		text.New("The order's only bill is void (作废)."),
		text.New("Ask who voided it. Undo it in Kingdee (反作废) if the bill is valid, or cancel the order in Jushuitan."),
	},
	Withdrawn: {
		text.New("Withdrawn in Jushuitan"),
		text.New("The flow skips the order now, for instance because it was cancelled, yet its bill stands; the reason says why."),
		text.New("Void or delete the bill in Kingdee if it is not valid."),
	},
	OnlyInKingdee: {
		text.New("Only in Kingdee"),
		text.New("The bill was made by this sync, but Jushuitan does not show its order."),
		text.New("Look for the order in Jushuitan, its archive included; void the bill if the order is gone for good."),
	},
	OthersBill: {
		text.New("Bill not by this flow"),
		text.New("A person, another program or another flow, which the reason names, made the bill. It is listed so that Kingdee's totals are complete, and is no difference."),
		text.New("Make sure that it does not book once more what a bill of this sync books."),
	},
	LeftOut: {
		text.New("Skipped"),
		text.New("The flow skips the order, or a person has discarded it, and it has no bill; the reason says why. It is listed so that Jushuitan's totals are complete, and is no difference."),
		text.Text{},
	},
}

// Label names the kind in a word or two.
func (k Kind) Label() text.Text {
	if texts, ok := textsOfKinds[k]; ok {
		return texts.label
	}
	return text.Literal(string(k))
}

// Meaning says in a sentence what rows of the kind are.
func (k Kind) Meaning() text.Text { return textsOfKinds[k].meaning }

// Advice says what to do about rows of the kind; it is empty if there is nothing to do.
func (k Kind) Advice() text.Text { return textsOfKinds[k].advice }

// fieldLabels name the fields that are compared in accountants' words.
var fieldLabels = map[string]text.Text{
	FieldDate:      text.New("date"),
	FieldCustomer:  text.New("customer"),
	FieldQuantity:  text.New("quantity"),
	FieldPrice:     text.New("price with tax"),
	FieldAmount:    text.New("amount with tax"),
	FieldTotal:     text.New("the bill's total with tax"),
	FieldWarehouse: text.New("warehouse"),
	FieldOrder:     text.New("order in the bill's note"),
}

// FieldLabel names a field of a [Difference] in accountants' words, or else by its name.
func FieldLabel(name string) text.Text {
	if label, ok := fieldLabels[name]; ok {
		return label
	}
	return text.Literal(name)
}

// numberFields are the fields of a [Difference] whose values are numbers, as opposed to codes
// that may look like numbers.
var numberFields = []string{FieldQuantity, FieldPrice, FieldAmount, FieldTotal}

// IsNumber reports whether the values of a field of a [Difference] are numbers.
func IsNumber(field string) bool { return slices.Contains(numberFields, field) }

// IsMoney reports whether the values of a field of a [Difference] are prices or amounts.
func IsMoney(field string) bool {
	return IsNumber(field) && field != FieldQuantity
}

// statusLabels name the values of FDocumentStatus with Kingdee's own words.
var statusLabels = map[string]text.Text{
	"Z": text.New("draft (暂存)"),
	"A": text.New("created (创建)"),
	"B": text.New("under review (审核中)"),
	"C": text.New("audited (已审核)"),
	"D": text.New("to be audited again (重新审核)"),
}

// StatusLabel names a bill's FDocumentStatus; it is empty without one.
func StatusLabel(status string) text.Text {
	if label, ok := statusLabels[status]; ok {
		return label
	}
	return text.Literal(status)
}

// Remark says of a missing order that it changed only after the range; it is empty for other
// rows. Such an order is mostly not lost, but yet to be synced.
func (r Report) Remark(row Row) text.Text {
	if !r.ChangedLater(row) {
		return text.Text{}
	}
	return text.New("changed only after the range, at %s", row.At.In(beijing.Zone).Format(time.DateTime))
}

// ChangedLater reports whether a row is a missing order that changed only after the range, so
// that a run over the range does not read it.
func (r Report) ChangedLater(row Row) bool { return row.Kind == Missing && row.At.After(r.To) }

// Verdict says in a sentence whether the two systems agree.
func (r Report) Verdict() text.Text {
	if r.Agree() {
		return text.New("Both systems agree.")
	}
	return text.New("The two systems differ: %d differences, %d bills not audited.", r.Differences, r.NotAudited)
}
