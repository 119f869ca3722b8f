package flow

import (
	"maps"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// Discount is money of the whole order that its lines do not have yet. It is taken off a
// field of the lines kept, in proportion and to the cent; a discount with parts of a cent, to
// its own last place.
type Discount struct {
	Amount *Expression
	// From is the field of the line.
	From string
}

// deduct takes an order's discount off its lines. What each loses is the difference of two
// rounded running totals, so that all lose exactly the discount.
func (d *Discount) deduct(discount decimal.Decimal, lines []*line) ([]*line, error) {
	amounts := make([]decimal.Decimal, len(lines))
	var total decimal.Decimal
	for i, l := range lines {
		amount := asNumber(l.fields[d.From])
		if amount.err != nil {
			return nil, amount.err
		}
		amounts[i] = amount.value
		total = total.Add(amount.value)
	}
	if discount.IsZero() {
		return lines, nil
	}
	if discount.IsNegative() || discount.GreaterThan(total) {
		return nil, newValueError(reasonMalformed, text.New("the discount of %s is not between 0 and what its lines add up to, %s", discount, total))
	}
	places := max(2, -discount.Exponent())
	net := make([]*line, len(lines))
	var sum, before decimal.Decimal
	for i, l := range lines {
		sum = sum.Add(amounts[i])
		running := discount.Mul(sum).DivRound(total, places)
		fields := maps.Clone(l.fields)
		fields[d.From] = number{value: amounts[i].Sub(running.Sub(before))}
		net[i] = &line{number: l.number, key: l.key, id: l.id, fields: fields}
		before = running
	}
	return net, nil
}
