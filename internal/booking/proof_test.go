package booking

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

// tenantLedger keeps bills as a tenant's settings have them. It has no rule that a
// number is unique.
type tenantLedger struct {
	mu    sync.Mutex
	bills []tenantBill
	saves int
	// change is done to a bill that is saved.
	change func(*tenantBill)
	hides  bool
	refuse func(number string) error
	read   int
	// readErr is what reading a bill back fails with.
	readErr error
}

type tenantBill struct {
	kingdee.Bill
	model map[string]any
}

func (l *tenantLedger) FindBills(_ context.Context, _ kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string][]kingdee.Bill{}
	for _, b := range l.bills {
		if !l.hides && slices.Contains(numbers, b.Number) {
			found[b.Number] = append(found[b.Number], b.Bill)
		}
	}
	return found, nil
}

func (l *tenantLedger) NewestBills(_ context.Context, _ kingdee.BillForm, _ string, limit int) (newest []kingdee.Bill, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range slices.Backward(l.bills) {
		if _, marked := flow.FindMark(b.Text); marked && !l.hides && len(newest) < limit {
			newest = append(newest, b.Bill)
		}
	}
	return newest, nil
}

func (l *tenantLedger) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) {
	return nil, nil
}

func (l *tenantLedger) ReadBill(_ context.Context, _ kingdee.BillForm, id string, keys []string) (rows [][]any, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read++
	if l.readErr != nil {
		return nil, l.readErr
	}
	for _, b := range l.bills {
		if l.hides || b.ID != id {
			continue
		}
		for _, line := range b.model["FEntity"].([]any) {
			var row []any
			for _, key := range keys {
				row = append(row, b.cell(key, line.(map[string]any)))
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (b tenantBill) cell(key string, line map[string]any) any {
	switch key {
	case "FBillNo":
		return b.Number
	case "FHeadNote":
		return b.Text
	case "FDocumentStatus":
		return "A"
	case "FCancelStatus":
		if b.Void {
			return "B"
		}
		return "A"
	}
	name, number, _ := strings.Cut(key, ".")
	value, ok := line[name]
	if !ok {
		value = b.model[name]
	}
	if number != "" {
		return value.(map[string]any)[number]
	}
	return value
}

func (l *tenantLedger) BatchSave(_ context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saves++
	decoder := json.NewDecoder(bytes.NewReader(request.Model[0]))
	decoder.UseNumber()
	b := tenantBill{}
	if err := decoder.Decode(&b.model); err != nil {
		return nil, err
	}
	b.Bill = kingdee.Bill{ID: fmt.Sprint(100001 + len(l.bills)), Number: b.model["FBillNo"].(string), DocumentStatus: "A", Date: b.model["FDate"].(string), Text: b.model["FHeadNote"].(string)}
	if l.refuse != nil {
		if err := l.refuse(b.Number); err != nil {
			return []kingdee.BillResult{{Err: err}}, nil
		}
	}
	if l.change != nil {
		l.change(&b)
	}
	l.bills = append(l.bills, b)
	return []kingdee.BillResult{{ID: b.ID, Number: b.Number}}, nil
}

func (l *tenantLedger) ByItem(context.Context, kingdee.BillForm, string) (map[string]decimal.Decimal, error) {
	return nil, nil
}

func (l *tenantLedger) SourceLines(context.Context, kingdee.SourceQuery, []string) (map[string][]kingdee.SourceLine, error) {
	return nil, nil
}

func (l *tenantLedger) Submit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, nil
}

func (l *tenantLedger) Audit(context.Context, kingdee.BillForm, []string) ([]kingdee.BillResult, error) {
	return nil, nil
}

func (l *tenantLedger) Delete(context.Context, kingdee.BillForm, kingdee.Bill) error { return nil }

func (l *tenantLedger) book(proofs *Proofs, f *flow.Flow, run string) Book {
	return Book{Flow: f, Flows: flow.Flows{testFlow: f}, Ledger: l, Proofs: proofs, Run: run}
}

// run saves so many orders from 70001 on at once, as those of one run, each up to three
// times while what fails may pass by itself.
func (l *tenantLedger) run(t *testing.T, proofs *Proofs, f *flow.Flow, run string, count int) (results []Result, errs []error) {
	t.Helper()
	b := l.book(proofs, f, run)
	orders := pickPage(t, f, count, nil)
	results, errs = make([]Result, count), make([]error, count)
	var all sync.WaitGroup
	for i, order := range orders {
		all.Go(func() {
			for attempt := range 3 {
				results[i], errs[i] = b.Save(t.Context(), f.Open(order), false, attempt > 0)
				if errs[i] == nil || fault.Is(errs[i], fault.Final) {
					return
				}
			}
		})
	}
	all.Wait()
	return results, errs
}

func requireAllFail(t *testing.T, errs []error, reason string) {
	t.Helper()
	for _, err := range errs {
		f := fault.As(err)
		require.NotNil(t, f, "%v", err)
		require.Equal(t, reason, f.Reason, "%v", err)
		require.True(t, tally.StopsRun(f.Reason))
	}
}

// A tenant whose settings keep a bill from being found again gets one bill, and no
// second run and no other order a further one.
func TestFirstBillProvesTheWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*tenantBill)
		hides  bool
		reason string
		says   []string
		// later is the reason of a run by a worker that knows nothing of the first; ""
		// where it can't know.
		later string
	}{
		{"a coding rule", func(b *tenantBill) { b.Number = "XSTHD000001" }, false, tally.BillRenumbered, []string{"100001", "XSTHD000001", "编码规则"}, tally.NumberChanged},
		{"a number cut", func(b *tenantBill) { b.Number = b.Number[:3] }, false, tally.BillRenumbered, []string{"100001", "700"}, tally.NumberChanged},
		{"a note cleaned", func(b *tenantBill) { b.Text = strings.ReplaceAll(b.Text, "#", "") }, false, tally.MarkLost, []string{"100001", "FHeadNote"}, ""},
		{"bills hidden", nil, true, tally.BillHidden, []string{"100001", "数据规则"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			ledger, proofs := &tenantLedger{change: c.change, hides: c.hides}, NewProofs()
			_, errs := ledger.run(t, proofs, f, "run 1", 5)
			requireAllFail(t, errs, c.reason)
			require.Equal(t, 1, ledger.saves)
			for _, text := range c.says {
				require.ErrorContains(t, errs[0], text)
			}
			for _, run := range []string{"run 1", "run 2", ""} {
				_, errs = ledger.run(t, proofs, f, run, 5)
				requireAllFail(t, errs, c.reason)
				require.Equal(t, 1, ledger.saves)
			}
			// Also the order whose bill it is, where it is found under its number.
			saved := proofs.unprovenOf(testFlow).bill
			if !c.hides && ledger.bills[0].Number == saved.Number {
				order := pickPage(t, f, 5, nil)[saved.Number[4]-'1']
				_, err := ledger.book(proofs, f, "run 2").Save(t.Context(), f.Open(order), true, false)
				requireAllFail(t, []error{err}, c.reason)
			}
			if c.later != "" {
				_, errs = ledger.run(t, NewProofs(), f, "run 3", 5)
				requireAllFail(t, errs, c.later)
				require.Equal(t, 1, ledger.saves)
			}
			// A person mends the cause and deletes the bill, or corrects it.
			ledger.change, ledger.hides, ledger.bills = nil, false, nil
			if c.hides {
				proofs = NewProofs() // the message asks for a new worker
			}
			_, errs = ledger.run(t, proofs, f, "run 4", 5)
			for _, err := range errs {
				require.NoError(t, err)
			}
			require.Equal(t, 6, ledger.saves)
		})
	}
}

func TestProofTellsOnceWhatDiffers(t *testing.T) {
	for _, c := range []struct {
		name     string
		expected []string
		told     []string
	}{
		{"not expected", nil, []string{"FStockId[1]: CK001 → CK777"}},
		{"expected", []string{"FStockId"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, func(f *flow.Flow) { f.Options.ExpectedDifferences = c.expected })
			ledger := &tenantLedger{change: func(b *tenantBill) {
				b.model["FEntity"].([]any)[0].(map[string]any)["FStockId"] = map[string]any{"FNumber": "CK777"}
			}}
			results, errs := ledger.run(t, NewProofs(), f, "run", 5)
			var told []string
			for i, result := range results {
				require.NoError(t, errs[i])
				if !result.Differences.IsZero() {
					told = append(told, strings.TrimPrefix(result.Differences.String(), "bill "+result.BillNumber+": "))
				}
			}
			require.Equal(t, c.told, told)
			require.Equal(t, 1, ledger.read, "one round trip a run")
			require.Len(t, ledger.bills, 5)
		})
	}
}

// If an order can't be saved for a cause of its own, the next one is the proof.
func TestProofIsLeftToTheNextOrder(t *testing.T) {
	ledger := &tenantLedger{refuse: func(number string) error {
		if number != "70003" {
			return failure(fault.Final, "unknown_material")
		}
		return nil
	}}
	_, errs := ledger.run(t, NewProofs(), loadFlow(t), "run", 5)
	for i, err := range errs {
		require.Equal(t, i != 2, err != nil, "%v", err)
	}
	require.Equal(t, 5, ledger.saves)
	require.Equal(t, 1, ledger.read)
}

// While Kingdee is down, the orders that wait for the proof don't call it too.
func TestProofThatMayPassByItselfIsToldToAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proofs, key, end := NewProofs(), gateKey{testFlow, "run"}, make(chan struct{})
		var all sync.WaitGroup
		var calls atomic.Int32
		for range 4 {
			all.Go(func() {
				err := proofs.pass(t.Context(), key, func() error {
					calls.Add(1)
					<-end
					return failure(fault.Retry, "connection")
				})
				assert.Equal(t, "connection", fault.As(err).Reason)
			})
		}
		synctest.Wait()
		close(end)
		all.Wait()
		require.Equal(t, int32(1), calls.Load())
	})
}

// A caller that gives up or panics does not hold up the others.
func TestProofOfACallerThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proofs, key := NewProofs(), gateKey{testFlow, "run"}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer func() { assert.NotNil(t, recover()) }()
			_ = proofs.pass(ctx, key, func() error { <-ctx.Done(); panic("a bug") })
		}()
		synctest.Wait()
		waiting, giveUp := context.WithCancel(t.Context())
		giveUp()
		err := proofs.pass(waiting, key, nil)
		require.ErrorIs(t, err, context.Canceled)
		cancel()
		attempted := false
		require.NoError(t, proofs.pass(t.Context(), key, func() error { attempted = true; return nil }))
		require.True(t, attempted)
	})
}

// A proof whose bill could not be read back is completed by the next order, even if a
// later version of its order was saved over the bill meanwhile.
func TestProofIsEndedByTheNext(t *testing.T) {
	f := loadFlow(t)
	ledger, proofs := &tenantLedger{}, NewProofs()
	ledger.readErr = failure(fault.Retry, "connection")
	_, errs := ledger.run(t, proofs, f, "run 1", 1)
	require.Equal(t, "connection", fault.As(errs[0]).Reason)
	require.Equal(t, 1, ledger.saves, "later attempts find the bill")
	require.NotNil(t, proofs.unprovenOf(testFlow))
	mark, _ := flow.FindMark(ledger.bills[0].Text)
	mark.Hash = "000000000000"
	ledger.bills[0].Text, ledger.readErr = "note "+mark.String(), nil
	for _, order := range pickPage(t, f, 3, nil)[1:] {
		_, err := ledger.book(proofs, f, "run 1").Save(t.Context(), f.Open(order), false, false)
		require.NoError(t, err)
	}
	require.Equal(t, 3, ledger.saves)
	require.Nil(t, proofs.unprovenOf(testFlow))
}

// After an edit of FBillNo nothing is saved: the marks name the orders.
func TestEditedNumbersAreNoticedBeforeASave(t *testing.T) {
	ledger := &tenantLedger{}
	f := loadFlow(t)
	_, errs := ledger.run(t, NewProofs(), f, "run 1", 5)
	require.NoError(t, errs[0])
	for i := range ledger.bills {
		ledger.bills[i].Number = "TH" + ledger.bills[i].Number // as an earlier mapping had it
	}
	_, errs = ledger.run(t, NewProofs(), f, "run 2", 5)
	requireAllFail(t, errs, tally.NumberChanged)
	require.ErrorContains(t, errs[0], "TH7000")
	require.Equal(t, 5, ledger.saves)

	// Void ones are no bookings, and a copy beside the bill is a person's.
	for i := range ledger.bills {
		ledger.bills[i].Void = true
	}
	_, errs = ledger.run(t, NewProofs(), f, "run 3", 5)
	require.NoError(t, errs[0])
	copied := ledger.bills[len(ledger.bills)-1]
	copied.ID, copied.Number = "9", "XSTHD000009"
	ledger.bills = append(ledger.bills, copied)
	_, errs = ledger.run(t, NewProofs(), f, "run 4", 6)
	require.NoError(t, errs[5])
}
