package booking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

const testFlow = "refund_to_return"

// loadFlow is the built-in flow, with its options changed where a test wants.
func loadFlow(t *testing.T, change ...func(*flow.Flow)) *flow.Flow {
	t.Helper()
	flows, err := flowfile.LoadFolder("../../flows")
	require.NoError(t, err)
	f := flows[testFlow]
	for _, c := range change {
		c(f)
	}
	return f
}

func explicitAudit(f *flow.Flow) { f.Options.SubmitAndAudit = flow.SubmitAndAuditExplicit }

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

// fakeLedger keeps bills by number and writes down what it is asked.
type fakeLedger struct {
	mu    sync.Mutex
	bills map[string][]kingdee.Bill
	// quantities are those of every bill, by material.
	quantities map[string]decimal.Decimal
	dates      map[string]string // by number, of those that were saved
	calls      []string
	requests   []kingdee.BatchSave
	sources    map[string][]kingdee.SourceLine
	sourceErr  error

	lookErr, saveErr, submitErr, auditErr, deleteErr error
	// deleteLost tells that a bill is deleted all the same.
	deleteLost bool
	// saveResult is what becomes of the bill in a call that succeeds.
	saveResult error
	// replies are to the save of a number, whose bill is saved all the same.
	replies map[string]func() error
	// afterSave is the status of a bill that was just saved.
	afterSave string
}

func newFakeLedger() *fakeLedger {
	return &fakeLedger{bills: map[string][]kingdee.Bill{}, dates: map[string]string{}, afterSave: "A"}
}

func (l *fakeLedger) with(number string, statuses ...string) *fakeLedger {
	for _, status := range statuses {
		l.bills[number] = append(l.bills[number], kingdee.Bill{ID: "1" + status, Number: number, DocumentStatus: status, Date: "2024-03-01"})
	}
	return l
}

// dated puts a date into every bill.
func (l *fakeLedger) dated(day string) *fakeLedger {
	for _, bills := range l.bills {
		for i := range bills {
			bills[i].Date = day
		}
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
	l.requests = append(l.requests, request)
	if l.saveErr != nil {
		return nil, l.saveErr
	}
	var model struct{ FID, FBillNo, FHeadNote, FDate string }
	if err := json.Unmarshal(request.Model[0], &model); err != nil {
		return nil, err
	}
	if l.saveResult != nil {
		return []kingdee.BillResult{{Err: l.saveResult}}, nil
	}
	if model.FID != "" {
		if *request.Over != l.bills[model.FBillNo][0] {
			return nil, errors.New("the bill is saved over another than was looked at")
		}
		l.calls[len(l.calls)-1] = "update " + model.FID
		l.marked(model.FHeadNote)
	} else {
		l.bills[model.FBillNo] = append(l.bills[model.FBillNo],
			kingdee.Bill{ID: "1", Number: model.FBillNo, DocumentStatus: l.afterSave, Date: model.FDate, Text: model.FHeadNote})
	}
	l.dates[model.FBillNo] = model.FDate
	if reply := l.replies[model.FBillNo]; reply != nil {
		return []kingdee.BillResult{{Err: reply()}}, nil
	}
	return []kingdee.BillResult{{ID: "1", Number: model.FBillNo}}, nil
}

func (l *fakeLedger) NewestBills(context.Context, kingdee.BillForm, string, int) ([]kingdee.Bill, error) {
	return nil, nil
}

func (l *fakeLedger) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) {
	return nil, nil
}

func (l *fakeLedger) ReadBill(context.Context, kingdee.BillForm, string, []string) ([][]any, error) {
	return nil, nil
}

func (l *fakeLedger) ByItem(_ context.Context, _ kingdee.BillForm, id string) (map[string]decimal.Decimal, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("quantities", id)
	return l.quantities, nil
}

func (l *fakeLedger) Submit(_ context.Context, _ kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("submit", numbers...)
	return []kingdee.BillResult{{Err: l.submitErr}}, nil
}

func (l *fakeLedger) Audit(_ context.Context, _ kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("audit", numbers...)
	return []kingdee.BillResult{{Err: l.auditErr}}, nil
}

func (l *fakeLedger) Delete(_ context.Context, _ kingdee.BillForm, bill kingdee.Bill) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("delete", bill.Number)
	if l.deleteErr == nil || l.deleteLost {
		delete(l.bills, bill.Number)
	}
	return l.deleteErr
}

func failure(class fault.Class, reason string) error {
	return &fault.Error{Class: class, Reason: reason, System: text.Literal("金蝶 Kingdee"), Message: reason}
}

// saveOne saves an order as one that is read now.
func saveOne(t *testing.T, f *flow.Flow, ledger kingdee.Ledger, order contract.Order, exists, retried bool) (Result, error) {
	t.Helper()
	return Book{Flow: f, Flows: flow.Flows{testFlow: f}, Ledger: ledger}.Save(t.Context(), f.Open(order), exists, retried)
}

// pickPage are orders with the as_ids from 70001 on; change makes some of them odd.
func pickPage(t *testing.T, f *flow.Flow, count int, change map[string]map[string]any) []contract.Order {
	t.Helper()
	var orders []contract.Order
	for i := range count {
		id := fmt.Sprint(70001 + i)
		fields := map[string]any{"as_id": json.Number(id)}
		for name, value := range change[id] {
			fields[name] = value
		}
		orders = append(orders, pick(t, f, fields))
	}
	return orders
}
