package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/testkit"
)

func TestWorkerSaysAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1}).
		with("REFUNDSYNC_FLOWS", changedFlows(t, "field: as_id }", "field: as_idd }")).with("KINGDEE_URL", "https://example.com/").with("JUSHUITAN_APP_SECRET", "").with("LOG_LEVEL", "loud")
	e := w.run(t, "worker")
	require.Equal(t, 1, e.code)
	for _, want := range []string{"KINGDEE_URL", "JUSHUITAN_APP_SECRET", "LOG_LEVEL", "refund_to_return.yaml", "as_idd", "^"} {
		require.Contains(t, e.stderr, want)
	}
}

func TestWorkerHelpListsEverySetting(t *testing.T) {
	t.Parallel()
	e := newWorld(t, simulator.Options{Orders: 1}).run(t, "worker", "--help")
	require.Zero(t, e.code)
	for _, name := range []string{
		"JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET", "JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_TARGET_APP_KEY",
		"JUSHUITAN_SESSION", "JUSHUITAN_SIGN_METHOD", "JUSHUITAN_CALLS_PER_SECOND", "KINGDEE_URL", "KINGDEE_AUTH", "KINGDEE_ACCT_ID",
		"KINGDEE_USERNAME", "KINGDEE_PASSWORD", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET", "KINGDEE_LCID", "KINGDEE_ORG_NUMBER",
		"KINGDEE_SESSIONS", "REFUNDSYNC_FLOWS", "REFUNDSYNC_TASK_QUEUE", "REFUNDSYNC_DRAIN_TIMEOUT", "REFUNDSYNC_DEPLOYMENT_NAME", "REFUNDSYNC_BUILD_ID", "LOG_LEVEL", "LOG_FORMAT",
	} {
		require.Contains(t, e.stdout, name)
	}
}

func TestWrongUsageEndsWithTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no flow", []string{"run"}, "--flow"},
		{"half a range", []string{"run", "--flow", builtInFlow, "--from", "2024-03-01"}, "--to"},
		{"since with a range", []string{"run", "--flow", "f", "--from", "2024-03-01", "--to", "2024-03-02", "--since", "last"}, "--since"},
		{"no such flag", []string{"run", "--fast"}, "--fast"},
		{"not a time", []string{"run", "--flow", "f", "--from", "yesterday", "--to", "2024-03-01"}, "yesterday"},
		{"ends before it starts", []string{"run", "--flow", "f", "--from", "2024-03-02", "--to", "2024-03-01"}, "2024-03-02"},
		{"preview of nothing", []string{"preview", "--flow", "f"}, "--order"},
		{"preview of an order and a range", []string{"preview", "--flow", "f", "--order", "x", "--from", "2024-03-01", "--to", "2024-03-01"}, "--order"},
		{"preview of an order and a file", []string{"preview", "--flow", "f", "--order", "x", "--file", "order.json"}, "--file"},
		{"another choice for an order", []string{"preview", "--flow", "f", "--order", "x", "--instead", "FDate=modified"}, "--instead"},
		{"the request of a range", []string{"preview", "--flow", "f", "--from", "2024-03-01", "--to", "2024-03-01", "-o", "request"}, "request"},
		{"no such output of a preview", []string{"preview", "-o", "xml"}, "xml"},
		{"no such table", []string{"preview", "--flow", builtInFlow, "--from", "2024-03-01", "--to", "2024-03-01", "--table", "shops"}, "customers, materials, units, warehouses"},
		{"no such grain", []string{"run", "--flow", "f", "--grain", "pages"}, "pages"},
		{"no such grain of a backfill", []string{"schedule", "backfill", "--flow", "f", "--from", "2024-03-01", "--to", "2024-03-02", "--grain", "pages"}, "pages"},
		{"no such output", []string{"run", "-o", "xml"}, "xml"},
		{"no such command", []string{"sync"}, "sync"},
		{"watch two ids", []string{"watch", "a", "b"}, "starter watch [WORKFLOW_ID]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := w.run(t, "starter", c.args...)
			require.Equal(t, 2, e.code, e.stderr)
			require.Contains(t, e.stderr, c.want)
			require.Empty(t, e.stdout)
		})
	}
}

func TestRunOfAnUnknownFlowFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	w.startWorker(t)
	e := w.starter(t, 2, "run", "--flow", "refunds", "--from", "2024-03-01", "--to", "2024-03-02", "--wait")
	require.Contains(t, e.stderr, builtInFlow)
	require.Contains(t, e.stderr, "starter run --help")
}

func TestRunSaysThatNoWorkerAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	p := w.start(t, "no worker answers", "starter", append([]string{"run", "--wait"}, w.rangeFlags()...)...)
	require.Contains(t, p.Output(), "not estimated: there is no worker")
	require.Equal(t, 130, p.Interrupt(t))
	require.Contains(t, p.Output(), "starter watch")
}

func TestWatchFollowsARunThatHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 30})
	w.startWorker(t)
	ran := w.starterSync(t, 3)
	e := w.starter(t, 3, "watch", ran.WorkflowID, "-o", "json")
	var watched result
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &watched))
	require.Equal(t, ran, watched)

	e = w.starter(t, 1, "watch", "nothing")
	require.Contains(t, e.stderr, "nothing")
}

func TestPreviewShowsTheBodyWithoutCalls(t *testing.T) {
	t.Parallel()
	order := `{"as_id":70001,"so_id":"SO1","shop_name":"京东专营店","type":"普通退货","wms_co_id":"20002","modified":"2024-03-01 08:00:00",
		"items":[{"asi_id":1,"sku_id":"GIFT-BAG","type":"退货","qty":2,"r_qty":"1.50","price":0,"amount":0,"name":"礼品袋"}]}`
	path := filepath.Join(t.TempDir(), "order.json")
	require.NoError(t, os.WriteFile(path, []byte(order), 0o600))
	w := newWorld(t, simulator.Options{Orders: 1})
	e := w.run(t, "starter", "preview", "--flow", builtInFlow, "--file", path, "-o", "request")
	require.Zero(t, e.code, e.stderr)
	var body struct {
		FormID string `json:"formid"`
		Data   struct {
			Model []struct {
				FBillNo, FDate string
				FRetcustID     struct{ FNumber string } `json:"FRetcustId"`
				FEntity        []struct {
					FMaterialID, FStockID struct{ FNumber string }
					FRealQty              json.Number
					FIsFree               bool
				}
			}
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &body))
	require.Equal(t, "SAL_RETURNSTOCK", body.FormID)
	require.Len(t, body.Data.Model, 1)
	bill := body.Data.Model[0]
	require.Equal(t, "70001", bill.FBillNo)
	require.Equal(t, "2024-03-01", bill.FDate)
	require.Equal(t, "CUST_JD", bill.FRetcustID.FNumber)
	require.Equal(t, "9901", bill.FEntity[0].FMaterialID.FNumber)
	require.Equal(t, "CK002", bill.FEntity[0].FStockID.FNumber)
	require.Equal(t, "1.5", bill.FEntity[0].FRealQty.String())
	require.True(t, bill.FEntity[0].FIsFree)
	require.Empty(t, w.State().Kingdee.Calls)
	require.Empty(t, w.State().Source.Calls)
}

// Over a range, the preview counts what the flow would book, and what would change with
// other choices; it writes nothing.
func TestPreviewOfARangeCountsOtherChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60, Kinds: []merchant.Kind{
		merchant.Discounted, merchant.RefundOnly, merchant.Repair, merchant.NewShop,
	}})
	e := w.run(t, "starter", append([]string{
		"preview", "-o", "json",
		"--instead", "FTaxPrice=item.price", "--instead", `FReturnType=type == "换货" ? "THLX02_SYS" : "THLX01_SYS"`,
		"--instead", `FNote=""`, "--instead", "FEntryTaxRate=item.r_qty / 0",
	}, w.rangeFlags()...)...)
	require.Equal(t, 3, e.code, "orders would be parked: %s", e.stderr)
	var got struct {
		Orders, Booked  int
		Skipped, Parked map[string]int
		Amount          decimal.Decimal
		Choices         []struct {
			Otherwise, Parked int
			Difference        decimal.Decimal
		}
	}
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &got))
	totals, amount := w.Truth().Totals(), decimal.Zero
	for _, expectation := range w.Truth() {
		if expectation.Bill != nil {
			for _, line := range expectation.Bill.Lines {
				amount = amount.Add(line.AllAmount)
			}
		}
	}
	require.Equal(t, totals.Orders, got.Orders)
	require.Equal(t, totals.Saved, got.Booked)
	require.Equal(t, totals.Skipped, got.Skipped)
	require.Equal(t, totals.Failed, got.Parked)
	require.True(t, amount.Equal(got.Amount), "%s, must be %s", got.Amount, amount)
	require.Len(t, got.Choices, 4)
	require.Equal(t, got.Booked, got.Choices[0].Otherwise, "every order was refunded with less than the price")
	require.True(t, got.Choices[0].Difference.IsPositive())
	require.Zero(t, got.Choices[1].Otherwise)
	require.Zero(t, got.Choices[2].Otherwise, "a note books nothing")
	require.True(t, got.Choices[2].Difference.IsZero())
	require.Equal(t, got.Booked, got.Choices[3].Parked)
	require.Empty(t, w.State().Kingdee.Calls)

	e = w.run(t, "starter", append([]string{"preview", "--instead", "FTaxPrice=item.price"}, w.rangeFlags()...)...)
	require.Equal(t, 3, e.code, e.stderr)
	require.Contains(t, e.stdout, "+"+got.Choices[0].Difference.StringFixed(2))

	for _, wrong := range []string{"FTaxPrice", "FBillNo=so_id", "FSomething=item.price", "FTaxPrice=item.prise", "FTaxPrice=item.name"} {
		e = w.run(t, "starter", append([]string{"preview", "--instead", wrong}, w.rangeFlags()...)...)
		require.Equal(t, 2, e.code, e.stdout)
		require.Empty(t, e.stdout)
	}
}

// The source is asked for a second more on either side, so it shows orders that belong to
// neighbouring ranges.
func TestPreviewOfARangeBesideAnOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	from := w.Truth().Latest().Add(time.Second)
	e := w.run(t, "starter", "preview", "-o", "json", "--flow", builtInFlow,
		"--from", from.Format(time.RFC3339), "--to", from.Add(time.Hour).Format(time.RFC3339))
	require.Zero(t, e.code, e.stderr)
	var got struct{ Orders int }
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &got))
	require.Zero(t, got.Orders)
}

// The preview says what a closed period does to an order.
func TestPreviewKeepsClosedPeriods(t *testing.T) {
	t.Parallel()
	order := filepath.Join("..", "internal", "flow", "testdata", "orders", "returned.json")
	w := newWorld(t, simulator.Options{Orders: 1})
	for _, c := range []struct {
		name, then string
		code       int
		says       string
		dated      bool
	}{
		{"park", "park", 3, "is in a closed period", false},
		{"first open day", "first_open_day", 0, "2024-12-01", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			closed := w.with("REFUNDSYNC_FLOWS", changedFlows(t, `until: "2023-12-31"`, `until: "2024-11-30"`, "then: park", "then: "+c.then))
			e := closed.run(t, "starter", "preview", "--flow", builtInFlow, "--file", order, "-o", "request")
			require.Equal(t, c.code, e.code, e.stderr)
			require.Contains(t, e.stderr, c.says)
			require.Equal(t, c.dated, strings.Contains(e.stdout, `"FDate":"2024-12-01"`), e.stdout)
			e = closed.run(t, "starter", "preview", "--flow", builtInFlow, "--file", order)
			require.Equal(t, c.code, e.code, e.stderr)
			require.Contains(t, e.stdout, c.says)
		})
	}
}

func TestCheckSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	e := w.run(t, "starter", "check")
	require.Equal(t, 1, e.code)
	require.Contains(t, e.stdout, "✓ Jushuitan")
	require.Contains(t, e.stdout, "✓ Kingdee")
	require.Contains(t, e.stdout, "✗ Task queue", "no worker polls yet")

	w.startWorker(t)
	// The server learns of a poller with its first poll.
	testkit.Wait(t, "check finds nothing wrong", func() bool {
		e = w.run(t, "starter", "check")
		return e.code == 0
	})
	require.NotContains(t, e.stdout, "✗")

	for name, want := range map[string]string{
		"JUSHUITAN_APP_SECRET": "✗ Jushuitan",
		"KINGDEE_APP_SECRET":   "✗ Kingdee",
		"TEMPORAL_ADDRESS":     "✗ Temporal",
	} {
		e = w.with(name, "127.0.0.1:1").run(t, "starter", "check")
		require.Equal(t, 1, e.code)
		require.Contains(t, e.stdout, want)
		require.Contains(t, e.stdout, name, "what to look at")
	}
	require.Empty(t, w.State().Kingdee.Bills)
}

// The demo checks itself; restarted on the same data it continues from there.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, simulator.Options{Orders: 1})
	first := w.run(t, "starter", "demo", "--once", "--orders", "120", "--data", data)
	require.Zero(t, first.code, first.stdout+first.stderr)
	require.Contains(t, first.stdout, "✓")
	require.NotContains(t, first.stdout, "http://", "what has ended is not named")
	require.Contains(t, first.stdout, "unknown_material")

	second := w.run(t, "starter", "demo", "--once", "--orders", "120", "--data", data)
	require.Zero(t, second.code, second.stdout+second.stderr)
	require.Regexp(t, `saved +│ +0 │`, second.stdout)
}

func TestDemoOfAllFlows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	e := w.run(t, "starter", "demo", "--all", "--once", "--orders", "120")
	require.Zero(t, e.code, e.stdout+e.stderr)
	require.Contains(t, e.stdout, "✓")
	for _, flow := range merchant.SideBySide {
		require.Regexp(t, string(flow)+` +│( +\d+ │){4} +0 │ +0 │`, e.stdout)
	}
}
