package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

func supplements(f *flow.Flow) { f.Options.Existing = flow.ExistingSupplement }

// uniqueLedger is a tenant with the rule that a number is unique, whose saves break.
type uniqueLedger struct {
	*tenantLedger
	// breaks gives what becomes of the next save.
	breaks func() string
	late   []kingdee.BatchSave
	// during runs in the middle of the reading of a bill.
	during func()
}

// The ways in which a save breaks.
const (
	fine    = "fine"
	refused = "refused" // not saved
	lost    = "lost"    // saved, and nobody is told
	isLate  = "late"    // saved later, if the number is free then
)

func (l *uniqueLedger) land() {
	for _, request := range l.late {
		_, _ = l.save(request)
	}
	l.late = nil
}

func (l *uniqueLedger) save(request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	var model struct{ FBillNo string }
	if err := json.Unmarshal(request.Model[0], &model); err != nil {
		return nil, err
	}
	if found, _ := l.FindBills(context.Background(), kingdee.BillForm{}, []string{model.FBillNo}); len(found) > 0 {
		return []kingdee.BillResult{{Err: failure(fault.Final, kingdee.ReasonNumberUsed)}}, nil
	}
	return l.tenantLedger.BatchSave(context.Background(), request)
}

func (l *uniqueLedger) BatchSave(_ context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	connectionLost := failure(fault.Retry, "connection_lost")
	switch l.breaks() {
	case refused:
		return nil, connectionLost
	case lost:
		_, _ = l.save(request)
		return nil, connectionLost
	case isLate:
		l.late = append(l.late, request)
		return nil, connectionLost
	}
	return l.save(request)
}

func (l *uniqueLedger) ReadBill(ctx context.Context, form kingdee.BillForm, id string, keys []string) ([][]any, error) {
	rows, err := l.tenantLedger.ReadBill(ctx, form, id, keys)
	if during := l.during; during != nil {
		l.during = nil
		during()
	}
	return rows, err
}

// booked adds up the quantities of all bills by material, and lists the bills' numbers.
func (l *uniqueLedger) booked() (quantities map[string]string, numbers []string) {
	sums := map[string]decimal.Decimal{}
	for _, bill := range l.bills {
		numbers = append(numbers, bill.Number)
		for _, entry := range bill.model["FEntity"].([]any) {
			line := entry.(map[string]any)
			material := line["FMaterialId"].(map[string]any)["FNumber"].(string)
			quantity, err := decimal.NewFromString(fmt.Sprint(line["FRealQty"]))
			if err != nil || !quantity.IsPositive() {
				panic("a line of nothing")
			}
			sums[material] = sums[material].Add(quantity)
		}
	}
	quantities = map[string]string{}
	for material, sum := range sums {
		quantities[material] = sum.String()
	}
	slices.Sort(numbers)
	return quantities, numbers
}

// batches is an order of which so many of each SKU were received by the hour of that
// number on the first of March; its last receipt is on the day of that hour.
func batches(hour int, received ...int) map[string]any {
	at := time.Date(2024, 3, 1, hour, 0, 0, 0, time.UTC)
	var items []any
	for i, quantity := range received {
		items = append(items, map[string]any{
			"asi_id": json.Number(fmt.Sprint(i + 1)), "sku_id": fmt.Sprintf("SKU-%d", i+1), "type": "退货", "qty": json.Number("99"),
			"r_qty": json.Number(fmt.Sprint(quantity)), "price": "19.90", "receive_date": at.Format(time.DateTime),
		})
	}
	return map[string]any{"modified": at.Format(time.DateTime), "items": items}
}

// Law: whatever breaks, and whoever else works on the order, in the end exactly what was
// received is booked, each bill once.
func TestLawOfReceiptsInBatches(t *testing.T) {
	f := loadFlow(t, supplements)
	rapid.Check(t, func(t *rapid.T) {
		breaking := rapid.Bool().Draw(t, "breaking")
		ledger := &uniqueLedger{tenantLedger: &tenantLedger{}}
		ledger.breaks = func() string {
			if !breaking {
				return fine
			}
			return rapid.SampledFrom([]string{fine, fine, refused, lost, isLate}).Draw(t, "save")
		}
		proofs := NewProofs()
		save := func(order contract.Order, retried bool) (Result, error) {
			opened := f.Open(order)
			book := Book{Flow: f, Flows: flow.Flows{testFlow: f}, Ledger: ledger, Proofs: proofs}
			found, err := book.Find(context.Background(), []Wanted{{OrderID: order.ID, Number: order.BillNumber, ChangedAt: order.ChangedAt, Hash: order.BillHash}})
			if err != nil {
				return Result{}, err
			}
			if len(found.Finished) > 0 {
				return Result{Outcome: tally.AlreadySaved}, nil
			}
			if rapid.Bool().Draw(t, "late saves land") {
				ledger.land()
			}
			return book.Save(context.Background(), opened, len(found.Unfinished) > 0, retried)
		}
		quantities := []int{rapid.IntRange(1, 3).Draw(t, "first"), rapid.IntRange(0, 3).Draw(t, "second")}
		var versions []contract.Order
		for version := range rapid.IntRange(1, 6).Draw(t, "versions") {
			if version > 0 {
				quantities[rapid.IntRange(0, 1).Draw(t, "line")] += rapid.IntRange(1, 3).Draw(t, "more")
			}
			picked, err := f.Pick(record(batches(24*version, quantities...)))
			require.NoError(t, err)
			versions = append(versions, picked.Order)
			if rapid.IntRange(0, 3).Draw(t, "beside") == 0 {
				other := rapid.SampledFrom(versions).Draw(t, "by another")
				ledger.during = func() { _, _ = save(other, false) }
			}
			for attempt := range rapid.IntRange(0, 3).Draw(t, "attempts") {
				if _, err := save(picked.Order, attempt > 0); err == nil {
					break
				} else if fault.Is(err, fault.Final) {
					require.Equal(t, tally.OrderChanged, fault.As(err).Reason, "%v", err)
				}
			}
		}
		breaking = false
		ledger.land()
		last := versions[len(versions)-1]
		for attempt := range 5 {
			_, err := save(last, attempt > 0)
			if err == nil {
				break
			}
			require.True(t, fault.Is(err, fault.Retry), "%v", err)
		}
		booked, numbers := ledger.booked()
		want := map[string]string{}
		for i, quantity := range quantities {
			if quantity > 0 {
				want[fmt.Sprintf("SKU-%d", i+1)] = fmt.Sprint(quantity)
			}
		}
		require.Equal(t, want, booked)
		require.Equal(t, flow.BillNumbers("70001")[:len(numbers)], numbers)
		saves := ledger.saves
		again, err := save(last, false)
		require.NoError(t, err)
		require.Equal(t, tally.AlreadySaved, again.Outcome)
		require.Equal(t, saves, ledger.saves)
	})
}

// saveVersions saves versions of an order, one after another, and returns the ledger and
// the result of the last.
func saveVersions(t *testing.T, f *flow.Flow, between func(*uniqueLedger), versions ...map[string]any) (*uniqueLedger, Result, error) {
	t.Helper()
	ledger := &uniqueLedger{tenantLedger: &tenantLedger{}, breaks: func() string { return fine }}
	var result Result
	var err error
	for i, version := range versions {
		if i == len(versions)-1 && between != nil {
			between(ledger)
		}
		result, err = Book{Flow: f, Flows: flow.Flows{testFlow: f}, Ledger: ledger}.Save(t.Context(), f.Open(pick(t, f, version)), i > 0, false)
		if i < len(versions)-1 {
			require.NoError(t, err)
		}
	}
	return ledger, result, err
}

func TestASupplementIsTheDifference(t *testing.T) {
	f := loadFlow(t, supplements)
	ledger, result, err := saveVersions(t, f, nil, batches(8, 2, 1), batches(31, 5, 1))
	require.NoError(t, err)
	require.Equal(t, tally.Updated, result.Outcome)
	require.Equal(t, "70001", result.BillNumber)
	require.Len(t, ledger.bills, 2)
	further := ledger.bills[1]
	require.Equal(t, "70001-2", further.Number)
	require.Equal(t, "2024-03-02", further.model["FDate"], "of its own receipt")
	require.Equal(t, f.Mark(pick(t, f, batches(31, 5, 1))).String(), further.Text[strings.Index(further.Text, "["):])
	lines := further.model["FEntity"].([]any)
	require.Len(t, lines, 1)
	line := lines[0].(map[string]any)
	require.Equal(t, json.Number("3"), line["FRealQty"])
	require.Equal(t, "2024-03-01", ledger.bills[0].model["FDate"], "what is booked stays")
}

// What a further bill can't express is left to a person.
func TestWhatNoSupplementCanSay(t *testing.T) {
	change := func(version map[string]any, line int, field string, value any) map[string]any {
		version["items"].([]any)[line].(map[string]any)[field] = value
		return version
	}
	with := func(version map[string]any, field string, value any) map[string]any {
		version[field] = value
		return version
	}
	for _, c := range []struct {
		name     string
		between  func(*uniqueLedger)
		versions []map[string]any
		reason   string
		says     string
	}{
		{"less", nil, []map[string]any{batches(8, 3), batches(9, 2)}, tally.OrderChanged, `"SKU-1" 19.9 "CK001": 3/2`},
		{"less of one and more of another", nil, []map[string]any{batches(8, 3, 1), batches(9, 2, 9)}, tally.OrderChanged, "3/2"},
		{"less again, after a supplement", nil, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 1)}, tally.OrderChanged, "2/1"},
		{"another price", nil, []map[string]any{batches(8, 1), change(batches(9, 5), 0, "price", "18")}, tally.OrderChanged, `"SKU-1" 19.9 "CK001": 1/0`},
		{"another warehouse", nil, []map[string]any{batches(8, 1), with(batches(9, 5), "wms_co_id", "20002")}, tally.OrderChanged, "CK001"},
		{"another customer", nil, []map[string]any{batches(8, 1), with(batches(9, 5), "shop_name", "京东专营店")}, tally.OrderChanged, "FRetcustId: CUST_TMALL/CUST_JD"},
		{"another day alone", nil, []map[string]any{batches(8, 1), batches(40, 1)}, tally.OrderChanged, "the quantities are the same"},
		{"a tenth bill", nil, []map[string]any{batches(1, 1), batches(2, 2), batches(3, 3), batches(4, 4), batches(5, 5), batches(6, 6), batches(7, 7), batches(8, 8), batches(9, 9), batches(10, 10)}, tally.OrderChanged, "it has 9 bills already"},
		{"the first bill deleted", func(l *uniqueLedger) { l.bills = l.bills[1:] }, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 3)}, tally.BillsIncomplete, "70001-2"},
		{"one in between deleted", func(l *uniqueLedger) { l.bills = slices.Delete(l.bills, 1, 2) }, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 3), batches(11, 4)}, tally.BillsIncomplete, "70001-3"},
		{"one void", func(l *uniqueLedger) { l.bills[1].Void = true }, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 3)}, tally.BillVoid, "70001-2"},
		{"one twice", func(l *uniqueLedger) { l.bills = append(l.bills, l.bills[1]) }, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 3)}, tally.DoubleBill, "70001-2"},
		{"a person's bill by its number", func(l *uniqueLedger) { l.bills[1].Text = "手工" }, []map[string]any{batches(8, 1), batches(9, 2), batches(10, 3)}, "number_conflict", "70001-2"},
		{"a quantity changed by finance", func(l *uniqueLedger) {
			l.bills[0].model["FEntity"].([]any)[0].(map[string]any)["FRealQty"] = json.Number("9")
		}, []map[string]any{batches(8, 1), batches(9, 2)}, tally.OrderChanged, "9/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger, _, err := saveVersions(t, loadFlow(t, supplements), c.between, c.versions...)
			require.NotNil(t, fault.As(err), "%v", err)
			require.Equal(t, c.reason, fault.As(err).Reason, "%v", err)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, len(c.versions)-1, ledger.saves)
		})
	}
}

// A further bill is one of its own month.
func TestASupplementKeepsOutOfAClosedPeriod(t *testing.T) {
	ledger, _, err := saveVersions(t, loadFlow(t, supplements, func(f *flow.Flow) { f.ClosedPeriods.Then = flow.ClosedPark }),
		func(l *uniqueLedger) {}, batches(8, 1), batches(9, 2))
	require.NoError(t, err)
	require.Len(t, ledger.bills, 2)
	closes := func(f *flow.Flow) {
		f.ClosedPeriods = flow.ClosedPeriods{Until: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), Then: flow.ClosedPark}
	}
	f := loadFlow(t, supplements)
	ledger, _, err = saveVersions(t, f, func(*uniqueLedger) { closes(f) }, batches(8, 1), batches(9, 2))
	require.Equal(t, contract.ReasonClosedPeriod, fault.As(err).Reason)
	require.Len(t, ledger.bills, 1)
	f = loadFlow(t, supplements)
	ledger, _, err = saveVersions(t, f, func(*uniqueLedger) { closes(f) }, batches(8, 1), batches(33, 2))
	require.NoError(t, err, "the month of the first bill may be closed")
	require.Len(t, ledger.bills, 2)
}

// A flow that makes no supplements any more does not take the first bill for the whole.
func TestASupplementedOrderIsNotUpdated(t *testing.T) {
	f := loadFlow(t, supplements)
	_, _, err := saveVersions(t, f, func(*uniqueLedger) { existingUpdate(f) }, batches(8, 1), batches(9, 2), batches(10, 3))
	require.Equal(t, tally.OrderChanged, fault.As(err).Reason)
	require.ErrorContains(t, err, "70001-2")
}

// Each bill of an order is submitted and audited.
func TestSupplementsAreAudited(t *testing.T) {
	ledger := newFakeLedger().with("70001", "A").with("70001-2", "B")
	f := loadFlow(t, supplements, explicitAudit)
	order := pick(t, f, nil)
	ledger.marked(f.Mark(order).String())
	result, err := saveOne(t, f, ledger, order, true, false)
	require.NoError(t, err)
	require.Equal(t, tally.Saved, result.Outcome)
	require.Equal(t, []string{"submit 70001", "audit 70001", "audit 70001-2"}, ledger.calls[1:])
}

// All bills of an order that is withdrawn are deleted, or none.
func TestAWithdrawnOrderWithSupplements(t *testing.T) {
	for _, submitted := range []bool{false, true} {
		f := loadFlow(t, supplements, withdrawnDelete)
		ledger := newFakeLedger().with("70001", "A").with("70001-2", map[bool]string{false: "A", true: "B"}[submitted])
		ledger.marked(f.Mark(pick(t, f, nil)).String())
		_, err := saveOne(t, f, ledger, pick(t, f, map[string]any{"status": "Cancelled"}), true, false)
		if submitted {
			require.Equal(t, tally.OrderWithdrawn, fault.As(err).Reason)
			require.ErrorContains(t, err, "70001, 70001-2")
			require.Len(t, ledger.bills, 2)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []string{"delete 70001-2", "delete 70001"}, ledger.calls[1:])
	}
}
