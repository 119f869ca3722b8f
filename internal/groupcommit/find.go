package groupcommit

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"refundsync/internal/kingdee"
)

// FindBills is [kingdee.Client.FindBills] for the caller's numbers.
func (g *Groups) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	m := &member{numbers: numbers}
	if err := g.share(ctx, findCall{form}, kingdee.MostNumbers, []*member{m}); err != nil {
		return nil, err
	}
	return m.found, m.result.Err
}

// findCall is a FindBills without its numbers.
type findCall struct{ form kingdee.BillForm }

func (c findCall) method() string { return kingdee.MethodQuery }

func (c findCall) make(ctx context.Context, g *Groups, members []*member) error {
	began := g.now()
	found, err := g.client.FindBills(ctx, c.form, numbersOf(members))
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.known.lookedUp(g.now(), began, c.form.ID, numbersOf(members), found)
	g.mu.Unlock()
	for _, m := range members {
		m.found = make(map[string][]kingdee.Bill, len(m.numbers))
		for _, number := range m.numbers {
			if bills, ok := found[number]; ok {
				m.found[number] = slices.Clone(bills) // another member's number as well
			}
		}
	}
	return nil
}

// inherit is for calls that change bills: any number of callers may look one up.
func (c findCall) inherit(kingdee.BillResult) (kingdee.BillResult, bool) {
	return kingdee.BillResult{}, false
}

// NewestBills is [kingdee.Client.NewestBills].
func (g *Groups) NewestBills(ctx context.Context, form kingdee.BillForm, like string, limit int) ([]kingdee.Bill, error) {
	return alone(ctx, g, func(ctx context.Context, client kingdee.Ledger) ([]kingdee.Bill, error) {
		return client.NewestBills(ctx, form, like, limit)
	})
}

// ReadBill is [kingdee.Client.ReadBill].
func (g *Groups) ReadBill(ctx context.Context, form kingdee.BillForm, id string, keys []string) ([][]any, error) {
	return alone(ctx, g, func(ctx context.Context, client kingdee.Ledger) ([][]any, error) {
		return client.ReadBill(ctx, form, id, keys)
	})
}

// ExecuteBillQuery is [kingdee.Client.ExecuteBillQuery].
func (g *Groups) ExecuteBillQuery(ctx context.Context, q kingdee.BillQuery) ([][]any, error) {
	return alone(ctx, g, func(ctx context.Context, client kingdee.Ledger) ([][]any, error) {
		return client.ExecuteBillQuery(ctx, q)
	})
}

// ByItem is [kingdee.Client.ByItem].
func (g *Groups) ByItem(ctx context.Context, form kingdee.BillForm, id string) (map[string]decimal.Decimal, error) {
	return alone(ctx, g, func(ctx context.Context, client kingdee.Ledger) (map[string]decimal.Decimal, error) {
		return client.ByItem(ctx, form, id)
	})
}

// alone makes a query that no other caller shares. It waits for a place like any call.
func alone[T any](ctx context.Context, g *Groups, query func(context.Context, kingdee.Ledger) (T, error)) (answer T, err error) {
	m := &member{numbers: []string{""}, query: func(ctx context.Context, client kingdee.Ledger) (any, error) { return query(ctx, client) }}
	if err := g.share(ctx, aloneCall{}, 1, []*member{m}); err != nil {
		return answer, err // the call may still be in flight
	}
	if m.result.Err != nil {
		return answer, m.result.Err
	}
	return m.answer.(T), nil
}

// aloneCall is a query of one caller, which is in its member.
type aloneCall struct{}

func (c aloneCall) method() string { return kingdee.MethodQuery }

func (c aloneCall) make(ctx context.Context, g *Groups, members []*member) (err error) {
	members[0].answer, err = members[0].query(ctx, g.client)
	return err
}

func (c aloneCall) inherit(kingdee.BillResult) (kingdee.BillResult, bool) {
	return kingdee.BillResult{}, false
}
