package flow

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Fields of a bill that a reconciliation compares, besides [DateField] and
// [BookedQuantity].
const (
	CustomerField = "FRetcustId"
	PriceField    = "FTaxPrice"
	StockField    = "FStockId"
)

// Line is a line of a bill. References are by number, "" for a field that the flow does not
// send.
type Line struct {
	Material, Stock    string
	Quantity, TaxPrice decimal.Decimal
	// Amount is Quantity × TaxPrice, rounded to the cent as Kingdee does.
	Amount decimal.Decimal
}

// Lines are the bill's lines.
func (b Bill) Lines() ([]Line, error) {
	lines, err := b.lines()
	if err != nil {
		return nil, err
	}
	read := make([]Line, len(lines))
	for i, l := range lines {
		read[i] = Line{l.FMaterialId.FNumber, l.FStockId.FNumber, l.FRealQty, l.FTaxPrice, l.FRealQty.Mul(l.FTaxPrice).Round(2)}
	}
	return read, nil
}

// Customer is the number of the bill's FRetcustId (退货客户); "" if the flow does not send it.
func (b Bill) Customer() (string, error) {
	var model struct{ FRetcustId struct{ FNumber string } }
	err := json.Unmarshal(b.Model, &model)
	return model.FRetcustId.FNumber, err
}

// Compares reports whether Kingdee should have a field of the bill as the flow sends it: the
// flow sends it, and does not expect it to differ.
func (f *Flow) Compares(name string) bool {
	return slices.ContainsFunc(f.SentFields(), func(sent SentField) bool { return sent.Name == name }) &&
		!slices.Contains(f.Options.ExpectedDifferences, name)
}

// ValuesOf are the values that a field of the bill can be sent with; none if unknown without
// an order.
func (f *Flow) ValuesOf(name string) []string {
	for _, sent := range f.SentFields() {
		if sent.Name == name {
			return sent.Values
		}
	}
	return nil
}

// Explains reports whether a bill for a day may have been dated to another one because its
// period was closed when it was saved: to a first open day.
func (c ClosedPeriods) Explains(day, booked time.Time) bool {
	if c.Then != ClosedFirstOpenDay || !booked.After(day) {
		return false
	}
	return booked.Day() == 1 && c.MonthClosesOnDay > 0 || !c.Until.IsZero() && booked.Equal(c.Until.AddDate(0, 0, 1))
}

// Text is a text of the order's head; "" if it is absent or the flow does not name it.
func (o *Opened) Text(field string) string {
	value, _ := o.env[field].(string)
	return value
}

// Announced adds up the quantity and the amount of the order's lines as Jushuitan shows
// them, as far as the flow names these fields and they can be read.
func (o *Opened) Announced() (quantity, amount decimal.Decimal) {
	names := o.flow.Source.Interface.Source
	for _, l := range o.lines {
		quantity, amount = quantity.Add(l.decimal(names.Quantity)), amount.Add(l.decimal(names.Amount))
	}
	return quantity, amount
}

func (l *line) decimal(field string) decimal.Decimal {
	value, _ := l.fields[field].(number)
	return value.value
}
