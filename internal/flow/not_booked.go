package flow

import "github.com/shopspring/decimal"

// NotBooked is money of an order that no bill holds.
type NotBooked struct {
	Amount *Expression
	Reason string
}

// unreadable is added to the reason of an amount that can't be read, which counts as 0
// under that reason. Reasons are the same in every language.
const unreadable = " (amount unreadable)"

// notBooked gives the order's amounts that no bill holds, by reason, without those that
// are absent or 0.
func (o *Opened) notBooked() map[string]decimal.Decimal {
	var amounts map[string]decimal.Decimal
	for _, n := range o.flow.Rules.NotBooked {
		reason := n.Reason
		result, err := o.run(n.Amount, nil)
		var amount number
		if err == nil {
			amount = asNumber(result)
		}
		if amount.err != nil && amount.err.isAbsent() || err == nil && amount.err == nil && amount.value.IsZero() {
			continue
		}
		if err != nil || amount.err != nil {
			reason += unreadable
		}
		if amounts == nil {
			amounts = map[string]decimal.Decimal{}
		}
		amounts[reason] = amounts[reason].Add(amount.value)
	}
	return amounts
}
