package booking

import (
	"context"
	"errors"
	"slices"

	"github.com/shopspring/decimal"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

// Reader is what of a [kingdee.Ledger] changes nothing.
type Reader interface {
	FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error)
	NewestBills(ctx context.Context, form kingdee.BillForm, like string, limit int) ([]kingdee.Bill, error)
	ReadBill(ctx context.Context, form kingdee.BillForm, id string, keys []string) ([][]any, error)
	ByItem(ctx context.Context, form kingdee.BillForm, id string) (map[string]decimal.Decimal, error)
	SourceLines(ctx context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error)
	kingdee.Queries
}

// WouldSave decides as [Book.Save] does on a first attempt, up to the first call that would
// change something in Kingdee, which it does not make. The result is what Save would give
// if Kingdee accepted that call and those after it; request is the call if it saves a bill.
// The error is one with which Save would fail as things are.
func WouldSave(ctx context.Context, f *flow.Flow, ledger Reader, order *flow.Opened) (result Result, request *kingdee.BatchSave, err error) {
	b := Book{Flow: f, Flows: flow.Flows{f.Name: f}, Ledger: reader{ledger}}
	result, err = b.Save(ctx, order, true, false)
	var change *change
	if !errors.As(err, &change) {
		return result, nil, err
	}
	result = Result{Outcome: change.outcome, BillNumber: order.Order.BillNumber}
	if change.outcome == tally.BillDeleted {
		// Save has asked before.
		result.Reason, _, _ = order.Skip()
		return result, nil, nil
	}
	bill, err := order.Bill()
	if err != nil {
		return Result{}, nil, err
	}
	result.Amount = bill.Amount()
	if change.request != nil && change.request.Over == nil {
		// A further bill supplements those that are there.
		its, err := b.find(ctx, order.Order.BillNumber)
		if err != nil {
			return Result{}, nil, err
		}
		if slices.ContainsFunc(its, func(bill kingdee.Bill) bool { return !bill.Void }) {
			result.Outcome = tally.Updated
		}
	}
	return result, change.request, nil
}

// change is the call that would change something, as the error that keeps it from being
// made.
type change struct {
	outcome tally.Outcome
	request *kingdee.BatchSave
}

func (*change) Error() string { return "nothing is changed here" }

// reader is a ledger that changes nothing.
type reader struct{ Reader }

func (reader) BatchSave(_ context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	if b.Over != nil {
		return nil, &change{tally.Updated, &b}
	}
	return nil, &change{tally.Saved, &b}
}

func (reader) Submit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, &change{outcome: tally.Saved}
}

func (reader) Audit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, &change{outcome: tally.Saved}
}

func (reader) Delete(context.Context, kingdee.BillForm, kingdee.Bill) error {
	return &change{outcome: tally.BillDeleted}
}
