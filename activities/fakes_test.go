package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

const testFlow = "refund_to_return"

// loadFlow is the built-in flow, with its options changed where a test wants.
func loadFlow(t *testing.T, change ...func(*flow.Flow)) *flow.Flow {
	t.Helper()
	flows, err := flowfile.LoadFolder("../flows")
	require.NoError(t, err)
	f := flows[testFlow]
	for _, c := range change {
		c(f)
	}
	return f
}

// environment runs the activities as a worker would.
func environment(a *Activities) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	a.Register(env)
	a.RegisterSource(env)
	return env
}

// record is an order as it comes, with one line.
func record(change map[string]any) map[string]any {
	order := map[string]any{
		"as_id": json.Number("70001"), "so_id": "SO1", "outer_as_id": "R1", "shop_name": "天猫旗舰店",
		"type": "普通退货", "wms_co_id": json.Number("20001"), "modified": "2024-03-01 08:00:00",
		"as_date": "2024-02-28 10:00:00", "shop_buyer_id": "buyer-13800000000",
		"items": []any{map[string]any{
			"asi_id": json.Number("1"), "sku_id": "SKU-1", "type": "退货", "qty": json.Number("2"),
			"r_qty": json.Number("2"), "price": "19.90", "name": "T恤",
		}},
	}
	for name, value := range change {
		order[name] = value
	}
	return order
}

func pick(t *testing.T, f *flow.Flow, change map[string]any) contract.Order {
	t.Helper()
	picked, err := f.Pick(record(change))
	require.NoError(t, err)
	return picked.Order
}

// fakeSource answers every call with the same page.
type fakeSource struct {
	page   jushuitan.Page
	err    error
	params map[string]string
}

func (s *fakeSource) List(_ context.Context, _ *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	s.params = params
	return s.page, s.err
}

// pageOf is a source with a single page.
func pageOf(records ...map[string]any) *fakeSource {
	return &fakeSource{page: jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: len(records), Datas: records}}
}

func idsOf(orders []contract.Order) (ids []string) {
	for _, order := range orders {
		ids = append(ids, order.ID)
	}
	return ids
}

// fakeLedger keeps bills by number and writes down what it is asked.
type fakeLedger struct {
	mu    sync.Mutex
	bills map[string][]kingdee.Bill
	calls []string

	lookErr, saveErr error
	// saveResult is what becomes of the bill in a call that succeeds.
	saveResult error
	// replies are to the save of a number, whose bill is saved all the same.
	replies map[string]func() error
}

func newFakeLedger() *fakeLedger {
	return &fakeLedger{bills: map[string][]kingdee.Bill{}}
}

func (l *fakeLedger) with(number string, statuses ...string) *fakeLedger {
	for _, status := range statuses {
		l.bills[number] = append(l.bills[number], kingdee.Bill{ID: "1" + status, Number: number, DocumentStatus: status, Date: "2024-03-01"})
	}
	return l
}

// marked puts a text into the mark field of every bill.
func (l *fakeLedger) marked(text string) *fakeLedger {
	for _, bills := range l.bills {
		for i := range bills {
			bills[i].Text = text
		}
	}
	return l
}

func (l *fakeLedger) call(what string, numbers ...string) {
	l.calls = append(l.calls, strings.TrimSpace(what+" "+strings.Join(numbers, ",")))
}

func (l *fakeLedger) FindBills(_ context.Context, _ kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("look", numbers...)
	found := map[string][]kingdee.Bill{}
	for _, number := range numbers {
		if bills := l.bills[number]; len(bills) > 0 {
			found[number] = bills
		}
	}
	return found, l.lookErr
}

func (l *fakeLedger) BatchSave(_ context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("save")
	if l.saveErr != nil {
		return nil, l.saveErr
	}
	var model struct{ FBillNo, FHeadNote string }
	if err := json.Unmarshal(request.Model[0], &model); err != nil {
		return nil, err
	}
	if l.saveResult != nil {
		return []kingdee.BillResult{{Err: l.saveResult}}, nil
	}
	l.bills[model.FBillNo] = append(l.bills[model.FBillNo],
		kingdee.Bill{ID: "1", Number: model.FBillNo, DocumentStatus: "A", Text: model.FHeadNote})
	if reply := l.replies[model.FBillNo]; reply != nil {
		return []kingdee.BillResult{{Err: reply()}}, nil
	}
	return []kingdee.BillResult{{ID: "1", Number: model.FBillNo}}, nil
}

func (l *fakeLedger) NewestBills(context.Context, kingdee.BillForm, string, int) ([]kingdee.Bill, error) {
	return nil, nil
}

func (l *fakeLedger) ReadBill(context.Context, kingdee.BillForm, string, []string) ([][]any, error) {
	return nil, nil
}

func (l *fakeLedger) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) {
	return nil, nil
}

func (l *fakeLedger) ByItem(context.Context, kingdee.BillForm, string) (map[string]decimal.Decimal, error) {
	return nil, nil
}

func (l *fakeLedger) SourceLines(context.Context, kingdee.SourceQuery, []string) (map[string][]kingdee.SourceLine, error) {
	return nil, nil
}

func (l *fakeLedger) Submit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, nil
}

func (l *fakeLedger) Audit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, nil
}

func (l *fakeLedger) Delete(context.Context, kingdee.BillForm, kingdee.Bill) error { return nil }

func failure(class fault.Class, reason string) error {
	return &fault.Error{Class: class, Reason: reason, System: text.Literal("金蝶 Kingdee"), Message: reason}
}
