package flow

import (
	"maps"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// SplitFields are what splitting a line of an interface needs of it; nil if the interface
// does not say how many pieces are damaged.
func SplitFields(of *catalog.Source) []string {
	if of.Received == "" || of.Defective == "" {
		return nil
	}
	return []string{of.Quantity, of.Received, of.Defective, of.Amount}
}

// splitDefective splits a line of which a part came back damaged into the sound goods, with
// a Defective of 0, and the damaged ones, with a Defective of Received. In both, Quantity is
// what was received, and Amount a share of the money; the shares add up to the cent. A line
// that is all sound or all damaged stays as it is.
func (l *line) splitDefective(of *catalog.Interface) ([]*line, error) {
	names := of.Source
	received, defective := asNumber(l.fields[names.Received]), asNumber(l.fields[names.Defective])
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
		damaged, _ := of.Find(catalog.Items, names.Defective)
		all, _ := of.Find(catalog.Items, names.Received)
		return nil, &valueError{reason: reasonMalformed, field: names.Defective, line: l, what: text.New("%s %s is not between 0 and %s %s",
			fieldName{&damaged}, defective.value, fieldName{&all}, received.value)}
	case defective.value.Equal(received.value):
		return []*line{l}, nil
	}
	sound := received.value.Sub(defective.value)
	soundAmount, defectiveAmount := l.fields[names.Amount], l.fields[names.Amount]
	quantity, amount := asNumber(l.fields[names.Quantity]), asNumber(l.fields[names.Amount])
	known := quantity.err == nil && amount.err == nil && !quantity.value.IsZero()
	if known {
		all := amount.value.Mul(received.value).DivRound(quantity.value, 2)
		share := all.Mul(sound).DivRound(received.value, 2)
		soundAmount, defectiveAmount = number{value: share}, number{value: all.Sub(share)}
	}
	part := func(received, defective decimal.Decimal, amount any) *line {
		fields := maps.Clone(l.fields)
		fields[names.Received], fields[names.Defective], fields[names.Amount] = number{value: received}, number{value: defective}, amount
		if known {
			fields[names.Quantity] = number{value: received}
		}
		return &line{number: l.number, key: l.key, id: l.id, fields: fields}
	}
	return []*line{part(sound, decimal.Zero, soundAmount), part(defective.value, defective.value, defectiveAmount)}, nil
}
