package kingdee

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"
)

// FindBills is [Client.FindBills], with the numbers asked for as its only keys.
func (g *Groups) FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]Bill, error) {
	m := &member{numbers: numbers}
	if err := g.share(ctx, findCall{formID: formID, textField: textField}, findChunk, []*member{m}); err != nil {
		return nil, err
	}
	return m.found, m.result.Err
}

// findCall is a FindBills but for its numbers.
type findCall struct{ formID, textField string }

func (c findCall) method() string { return executeBillQuery }

func (c findCall) make(ctx context.Context, g *Groups, members []*member) error {
	began := g.now()
	found, err := g.client.FindBills(ctx, c.formID, c.textField, numbersOf(members))
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.known.lookedUp(g.now(), began, c.formID, numbersOf(members), found)
	g.mu.Unlock()
	for _, m := range members {
		m.found = make(map[string][]Bill, len(m.numbers))
		for _, number := range m.numbers {
			if bills, ok := found[number]; ok {
				m.found[number] = slices.Clone(bills) // another member's number as well
			}
		}
	}
	return nil
}

// inherit is for calls that change bills: any number of callers may look at one.
func (c findCall) inherit(BillResult) (BillResult, bool) { return BillResult{}, false }

// Quantities is [Client.Quantities]. Callers share no call, but wait for a place like
// all others.
func (g *Groups) Quantities(ctx context.Context, formID, id string) (map[string]decimal.Decimal, error) {
	m := &member{numbers: []string{id}}
	if err := g.share(ctx, quantitiesCall{formID: formID}, 1, []*member{m}); err != nil {
		return nil, err
	}
	return m.quantities, m.result.Err
}

// quantitiesCall is a Quantities but for its bill.
type quantitiesCall struct{ formID string }

func (c quantitiesCall) method() string { return executeBillQuery }

func (c quantitiesCall) make(ctx context.Context, g *Groups, members []*member) (err error) {
	members[0].quantities, err = g.client.Quantities(ctx, c.formID, members[0].numbers[0])
	return err
}

func (c quantitiesCall) inherit(BillResult) (BillResult, bool) { return BillResult{}, false }
