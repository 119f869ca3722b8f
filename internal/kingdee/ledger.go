package kingdee

import (
	"context"

	"github.com/shopspring/decimal"
)

// Ledger works on bills. A [Client] is one, and so is what shares its calls.
type Ledger interface {
	FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]Bill, error)
	NewestBills(ctx context.Context, formID, textField, like string, limit int) ([]Bill, error)
	ReadBill(ctx context.Context, formID, id string, keys []string) ([][]any, error)
	Quantities(ctx context.Context, formID, id string) (map[string]decimal.Decimal, error)
	BatchSave(ctx context.Context, b BatchSave) ([]BillResult, error)
	Submit(ctx context.Context, formID string, numbers []string) ([]BillResult, error)
	Audit(ctx context.Context, formID string, numbers []string) ([]BillResult, error)
	Delete(ctx context.Context, formID, textField string, bill Bill) error
	Queries
}

// Queries reads one page of rows. A [Client] does.
type Queries interface {
	ExecuteBillQuery(ctx context.Context, q BillQuery) ([][]any, error)
}
