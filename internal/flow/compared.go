package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
)

// Line is a line of a bill. References are by number, "" for a field that the flow does not
// send. A form of money has no Quantity, TaxPrice and Stock.
type Line struct {
	Item, Stock        string
	Quantity, TaxPrice decimal.Decimal
	// Amount is Quantity × TaxPrice, rounded to the cent as Kingdee does; in a form of money
	// it is as sent.
	Amount decimal.Decimal
}

// Lines are the bill's lines.
func (b Bill) Lines() []Line {
	form := b.form.Form
	_, lines := b.values()
	read := make([]Line, len(lines))
	for i, values := range lines {
		plain := func(name string) string {
			field, _ := b.form.Find(form.Lines, name)
			if value := plainValue(field, values[name]); value != nil {
				return fmt.Sprint(value)
			}
			return ""
		}
		number := func(name string) decimal.Decimal {
			// A number of ours can always be read; one that is not sent is zero.
			value, _ := decimal.NewFromString(plain(name))
			return value
		}
		read[i] = Line{Item: plain(form.Item), Stock: plain(form.Stock), Quantity: number(form.Quantity), TaxPrice: number(form.Price)}
		if read[i].Amount = number(form.Amount); !form.Money() {
			read[i].Amount = read[i].Quantity.Mul(read[i].TaxPrice).Round(2)
		}
	}
	return read
}

// values are the bill's fields as JSON has them: those of its head, and those of each line.
func (b Bill) values() (head map[string]any, lines []map[string]any) {
	decoder := json.NewDecoder(bytes.NewReader(b.Model))
	decoder.UseNumber()
	// What the flow has made is always JSON.
	_ = decoder.Decode(&head)
	entries, _ := head[string(b.form.Form.Lines)].([]any)
	for _, entry := range entries {
		values, _ := entry.(map[string]any)
		lines = append(lines, values)
	}
	return head, lines
}

// Customer is the number of whom the bill is for; "" if the flow does not send it.
func (b Bill) Customer() string {
	head, _ := b.values()
	field, _ := b.form.Find(catalog.Head, b.form.Form.Customer)
	customer, _ := plainValue(field, head[field.Name]).(string)
	return customer
}

// Compares reports whether Kingdee should have a field of the bill as the flow sends it: the
// flow sends it, and does not expect it to differ.
func (f *Flow) Compares(place catalog.Place, name string) bool {
	return f.sent(place, name) != nil && !slices.Contains(f.Options.ExpectedDifferences, name)
}

// ValuesOf are the values that a field of the bill's head can be sent with; none if unknown
// without an order.
func (f *Flow) ValuesOf(name string) []string {
	if sent := f.sent(catalog.Head, name); sent != nil {
		return sent.Values
	}
	return nil
}

// sent is a field as the flow sends it; nil if it does not.
func (f *Flow) sent(place catalog.Place, name string) *SentField {
	fields := f.SentFields()
	i := slices.IndexFunc(fields, func(sent SentField) bool { return sent.Place == place && sent.Name == name })
	if i < 0 {
		return nil
	}
	return &fields[i]
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
