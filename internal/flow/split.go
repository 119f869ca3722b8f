package flow

import (
	"maps"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// The fields of a line by which it is split.
const (
	quantityField = "qty"
	// ReceivedField (实收数量) is how many came back.
	ReceivedField  = "r_qty"
	defectiveField = "defective_qty"
	lineAmount     = "amount"
)

// SplitFields are what splitting a line needs of it.
var SplitFields = []string{quantityField, ReceivedField, defectiveField, lineAmount}

// splitDefective splits a line of which a part came back damaged into the sound goods, with
// a defective_qty of 0, and the damaged ones, with a defective_qty of r_qty. In both, qty is
// what was received, and amount a share of the money; the shares add up to the cent. A line
// that is all sound or all damaged stays as it is.
func (l *line) splitDefective() ([]*line, error) {
	received, defective := asNumber(l.fields[ReceivedField]), asNumber(l.fields[defectiveField])
	switch {
	case defective.err != nil && defective.err.isAbsent():
		return []*line{l}, nil
	case defective.err != nil:
		return nil, defective.err
	case defective.value.IsZero():
		return []*line{l}, nil
	case received.err != nil:
		return nil, received.err
	case defective.value.IsNegative() || defective.value.GreaterThan(received.value):
		return nil, &valueError{reason: reasonMalformed, field: defectiveField, line: l, what: text.New("defective_qty（次品数量） %s is not between 0 and r_qty（实收数量） %s",
			defective.value, received.value)}
	case defective.value.Equal(received.value):
		return []*line{l}, nil
	}
	sound := received.value.Sub(defective.value)
	soundAmount, defectiveAmount := l.fields[lineAmount], l.fields[lineAmount]
	quantity, amount := asNumber(l.fields[quantityField]), asNumber(l.fields[lineAmount])
	known := quantity.err == nil && amount.err == nil && !quantity.value.IsZero()
	if known {
		all := amount.value.Mul(received.value).DivRound(quantity.value, 2)
		share := all.Mul(sound).DivRound(received.value, 2)
		soundAmount, defectiveAmount = number{value: share}, number{value: all.Sub(share)}
	}
	part := func(received, defective decimal.Decimal, amount any) *line {
		fields := maps.Clone(l.fields)
		fields[ReceivedField], fields[defectiveField], fields[lineAmount] = number{value: received}, number{value: defective}, amount
		if known {
			fields[quantityField] = number{value: received}
		}
		return &line{number: l.number, id: l.id, fields: fields}
	}
	return []*line{part(sound, decimal.Zero, soundAmount), part(defective.value, defective.value, defectiveAmount)}, nil
}
