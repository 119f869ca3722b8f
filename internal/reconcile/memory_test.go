package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"refundsync/activities"
	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// BenchmarkReconcileMemory reports the peak of the heap while a range of 100,000 orders is
// reconciled, workflows and activities in one process. The sources compute what they are
// asked for, and hold nothing.
func BenchmarkReconcileMemory(b *testing.B) {
	flows, err := flowfile.LoadFolder("../../flows")
	require.NoError(b, err)
	for b.Loop() {
		l := &largeMerchant{flow: flows[testFlow], from: time.Date(2024, 3, 1, 0, 0, 0, 0, beijing.Zone), orders: 100_000, apart: 25 * time.Second}
		acts := &activities.Activities{Flows: flow.Flows{testFlow: l.flow}, Source: l, Ledger: largeLedger{largeMerchant: l}, Parked: parked{}}
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		env := suite.NewTestWorkflowEnvironment()
		env.SetTestTimeout(time.Hour)
		env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
		workflows.Register(env)
		acts.Register(env)
		runtime.GC()
		defer debug.SetGCPercent(debug.SetGCPercent(50)) // as a worker in a small container
		peak, stop := peakOfHeap()
		to := l.at(l.orders)
		env.ExecuteWorkflow(workflows.ReconcileName, workflows.ReconcileInput{Flow: testFlow, Range: workflows.Window{From: l.from, To: to}})
		stop()
		require.NoError(b, env.GetWorkflowError())
		var result workflows.ReconcileResult
		require.NoError(b, env.GetWorkflowResult(&result))
		require.Equal(b, l.orders, result.Totals.Source.Count)
		require.Zero(b, result.Differences)
		b.ReportMetric(float64(peak.Load())/(1<<20), "MB-peak")
	}
}

// peakOfHeap follows the heap until stop is called.
func peakOfHeap() (peak *atomic.Uint64, stop func()) {
	peak = &atomic.Uint64{}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			peak.Store(max(peak.Load(), stats.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return peak, func() { close(done); <-ended }
}

// largeMerchant computes orders: one every so often, each with two lines.
type largeMerchant struct {
	flow   *flow.Flow
	from   time.Time
	orders int
	apart  time.Duration
}

func (l *largeMerchant) at(i int) time.Time { return l.from.Add(time.Duration(i) * l.apart) }

func (l *largeMerchant) record(i int) map[string]any {
	modified := l.at(i).Format(time.DateTime)
	item := func(n int) any {
		return map[string]any{
			"asi_id": json.Number(fmt.Sprint(i*2 + n)), "sku_id": fmt.Sprintf("SKU-%d", (i+n)%500), "type": "退货",
			"qty": json.Number("2"), "r_qty": json.Number("2"), "price": "19.90", "amount": "39.80", "name": "T恤",
		}
	}
	return map[string]any{
		"as_id": json.Number(fmt.Sprint(700_000_000 + i)), "so_id": fmt.Sprintf("SO%d", i), "outer_as_id": fmt.Sprintf("R%d", i), "shop_name": "天猫旗舰店",
		"type": "普通退货", "status": "Confirmed", "good_status": "SELLER_RECEIVED", "wms_co_id": json.Number("20001"),
		"modified": modified, "as_date": modified, "confirm_date": modified, "items": []any{item(0), item(1)},
	}
}

// List answers as Jushuitan does.
func (l *largeMerchant) List(_ context.Context, _ *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	parse := func(name string) time.Time {
		at, err := time.ParseInLocation(time.DateTime, params[name], beijing.Zone)
		if err != nil {
			panic(err)
		}
		return at
	}
	first := max(0, int((parse("start_time").Sub(l.from)+l.apart-1)/l.apart))
	behind := 0
	if end := parse("end_time"); !end.Before(l.from) {
		behind = min(l.orders, int(end.Sub(l.from)/l.apart)+1)
	}
	count := max(0, behind-first)
	index, err := strconv.Atoi(params["page_index"])
	if err != nil {
		return jushuitan.Page{}, err
	}
	page := jushuitan.Page{PageIndex: index, DataCount: count, PageCount: (count + 99) / 100}
	for i := first + (index-1)*100; i < min(first+index*100, first+count); i++ {
		page.Datas = append(page.Datas, l.record(i))
	}
	page.HasNext = index < page.PageCount
	return page, nil
}

// largeLedger computes the bills of these orders.
type largeLedger struct {
	*largeMerchant
	kingdee.Ledger // what a reconciliation does not call
}

const firstFID = 100_000

// ExecuteBillQuery answers the queries of a reconciliation.
func (l largeLedger) ExecuteBillQuery(_ context.Context, q kingdee.BillQuery) ([][]any, error) {
	number := func(i int) json.Number { return json.Number(strconv.Itoa(i)) }
	var rows [][]any
	if q.FieldKeys == "FID" {
		_, after, _ := strings.Cut(q.FilterString, "FID>")
		after, _, _ = strings.Cut(after, " ")
		last, err := strconv.Atoi(after)
		if err != nil {
			return nil, err
		}
		for id := max(last+1, firstFID); id < firstFID+l.orders && len(rows) < q.Limit; id++ {
			rows = append(rows, []any{number(id)})
		}
		return rows, nil
	}
	if q.StartRow > 0 {
		return nil, nil
	}
	for order := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(q.FilterString, "FBillNo in "), "()"), ",") {
		id, err := strconv.Atoi(strings.Trim(order, "'"))
		if err != nil {
			return nil, err
		}
		i := id - 700_000_000
		picked, err := l.flow.Pick(l.record(i))
		if err != nil {
			return nil, err
		}
		bill, err := picked.Bill()
		if err != nil {
			return nil, err
		}
		lines := bill.Lines()
		customer := bill.Customer()
		date, err := bill.Date()
		if err != nil {
			return nil, err
		}
		for n, line := range lines {
			rows = append(rows, []any{
				number(firstFID*10 + i*2 + n), customer, line.Item, line.Stock, line.Quantity.String(), line.TaxPrice.String(), line.Amount.String(),
				number(firstFID + i), bill.Number, "A", "A", date.Format(time.DateOnly) + "T00:00:00", bill.Mark.String(),
			})
		}
	}
	return rows, nil
}
