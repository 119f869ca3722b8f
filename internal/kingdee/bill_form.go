package kingdee

import "strings"

// BillForm is a form of bills, with the names of its fields in queries by their meaning: base
// data such as FRetcustId.FNumber. In a form of money, lines have no Quantity, Price and
// Stock: "".
type BillForm struct {
	// ID is the form's id, such as SAL_RETURNSTOCK.
	ID string
	// Lines is the key of the lines, such as FEntity.
	Lines string
	// Number, Date, Note, BillType, Organisation and Customer are fields of the head.
	Number, Date, Note, BillType, Organisation, Customer string
	// The others are fields of a line.
	Item, Stock, Quantity, Price, Amount string
}

// entryID is the inner id of a line.
func (f BillForm) entryID() string { return f.Lines + "_FEntryID" }

// measure is the field of a line that is added up: the quantity, or the amount in a form of
// money.
func (f BillForm) measure() string {
	if f.Quantity == "" {
		return f.Amount
	}
	return f.Quantity
}

// fieldOf is the field of a key, without the part of base data that is read.
func fieldOf(key string) string {
	field, _, _ := strings.Cut(key, ".")
	return field
}
