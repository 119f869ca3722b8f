package activities

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
	"refundsync/workflows"
)

// baseData answers each question with the next of its answers, and goes on with the last.
type baseData struct {
	mu      sync.Mutex
	answers []any // []kingdee.BaseData, or an error
	asked   int
}

func (b *baseData) BaseData(context.Context, kingdee.BaseDataQuery) ([]kingdee.BaseData, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := b.answers[min(b.asked, len(b.answers)-1)]
	b.asked++
	if err, ok := answer.(error); ok {
		return nil, err
	}
	return answer.([]kingdee.BaseData), nil
}

// flowOfKingdeeTables is the built-in flow whose customers and warehouses come from
// Kingdee.
func flowOfKingdeeTables(t *testing.T) *flow.Flow {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../flows")))
	path := filepath.Join(folder, testFlow+".yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	start, end := strings.Index(string(text), "  customers:\n"), strings.Index(string(text), "  # By sku_id")
	require.Less(t, start, end)
	tables := "  customers: { from: kingdee, form: BD_Customer, by: FName, value: FNumber }\n  warehouses: { from: kingdee, form: BD_STOCK, by: FTHIRDSTOCKNO, value: FNumber }\n"
	require.NoError(t, os.WriteFile(path, []byte(string(text[:start])+tables+string(text[end:])), 0o600))
	f, err := flowfile.Load(path)
	require.NoError(t, err)
	return f
}

// Both tables ask the same source, which knows shop and warehouse.
var (
	known   = []kingdee.BaseData{{By: "天猫旗舰店", Value: "C1"}, {By: "20001", Value: "CK1"}}
	unknown = []kingdee.BaseData{{By: "京东", Value: "C2"}}
)

func TestSaveOrderAsksForTheTablesItNeeds(t *testing.T) {
	away := errors.New("away")
	for _, c := range []struct {
		name    string
		answers []any
		change  map[string]any
		asked   int
		reason  string // "" for an order that is saved
		retried bool
	}{
		{"what it needs is there", []any{known}, nil, 2, "", false},
		{"a code is unknown", []any{unknown}, nil, 2, "unknown_code customers 天猫旗舰店", false},
		{"a table can't be read", []any{away}, nil, 2, "table_unread", true},
		{"the other table can't be read", []any{known, away}, nil, 2, "table_unread", true},
		{"an order that is left out needs no table", []any{away}, map[string]any{"type": "仅退款", "items": []any{}}, 2, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, source, ledger := flowOfKingdeeTables(t), &baseData{answers: c.answers}, newFakeLedger()
			tables := tenant.NewTables(source, func(tenant.TableRead) {})
			t.Cleanup(tables.Close)
			a := &Activities{Flows: flow.Flows{f.Name: f}, Ledger: ledger, Tables: tables}
			order := pick(t, f, c.change)
			_, err := environment(a).ExecuteActivity(workflows.SaveOrderName, workflows.SaveOrderParams{Flow: f.Name, PickVersion: f.PickVersion, Order: order})
			require.Equal(t, c.asked, source.asked)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.retried, !application.NonRetryable())
			require.Empty(t, ledger.bills, "nothing is booked with a default")
		})
	}
}

// An order that was opened before its tables were read is opened anew.
func TestAnOrderIsOpenedAnewWithItsTables(t *testing.T) {
	f, source := flowOfKingdeeTables(t), &baseData{answers: []any{known}}
	tables := tenant.NewTables(source, func(tenant.TableRead) {})
	t.Cleanup(tables.Close)
	a := &Activities{Tables: tables}
	picked, err := f.Pick(record(nil))
	require.NoError(t, err)
	require.Empty(t, picked.Order.BillHash)
	order, err := a.withTables(t.Context(), f, picked)
	require.NoError(t, err)
	bill, err := order.Bill()
	require.NoError(t, err)
	require.Contains(t, string(bill.Model), `"FRetcustId":{"FNumber":"C1"}`)
	require.Contains(t, string(bill.Model), `"FStockId":{"FNumber":"CK1"}`)
	require.Equal(t, 2, source.asked)

	again, err := a.withTables(t.Context(), f, order)
	require.NoError(t, err)
	require.Same(t, order, again, "it lacks nothing")

	f.KingdeeTables[0].Set(flow.NewTableState(nil))
	lacking := f.Open(picked.Order)
	_, err = lacking.Bill()
	require.Same(t, f.KingdeeTables[0], flow.LackingTable(err))
	f.KingdeeTables[0].Set(flow.NewTableState([]flow.TableEntry{{Code: "天猫旗舰店", Value: "C7"}}))
	again, err = a.withTables(t.Context(), f, lacking)
	require.NoError(t, err)
	bill, err = again.Bill()
	require.NoError(t, err)
	require.Contains(t, string(bill.Model), `"FRetcustId":{"FNumber":"C7"}`, "somebody else has read it meanwhile")
	require.Equal(t, 2, source.asked)
}
