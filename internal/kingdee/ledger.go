package kingdee

import (
	"context"

	"github.com/shopspring/decimal"
)

// Ledger works on bills. A [Client] is one, and so is what shares its calls.
type Ledger interface {
	FindBills(ctx context.Context, form BillForm, numbers []string) (map[string][]Bill, error)
	NewestBills(ctx context.Context, form BillForm, like string, limit int) ([]Bill, error)
	ReadBill(ctx context.Context, form BillForm, id string, keys []string) ([][]any, error)
	ByItem(ctx context.Context, form BillForm, id string) (map[string]decimal.Decimal, error)
	SourceLines(ctx context.Context, q SourceQuery, values []string) (map[string][]SourceLine, error)
	BatchSave(ctx context.Context, b BatchSave) ([]BillResult, error)
	Submit(ctx context.Context, form BillForm, numbers []string) ([]BillResult, error)
	Audit(ctx context.Context, form BillForm, numbers []string) ([]BillResult, error)
	Delete(ctx context.Context, form BillForm, bill Bill) error
	Queries
}

// Queries reads one page of rows. A [Client] does.
type Queries interface {
	ExecuteBillQuery(ctx context.Context, q BillQuery) ([][]any, error)
}
