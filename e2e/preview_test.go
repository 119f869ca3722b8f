package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/preview"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// Live orders are shown beside the bills that exist, with the outcome that a run then has,
// and nothing is written.
func TestPreviewOfLiveOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200})
	w.startWorker(t)
	from, _ := w.Range()
	look := func(code int, ids string, more ...string) (orders []preview.Order) {
		t.Helper()
		before := len(w.State().Kingdee.Bills)
		args := append([]string{"preview", "--flow", builtInFlow, "--from", from.Format(time.DateOnly), "--order", ids}, more...)
		e := w.starter(t, code, append(args, "-o", "json")...)
		require.NoError(t, json.Unmarshal([]byte(e.stdout), &orders))
		require.NotContains(t, e.stdout, merchant.PersonalData)
		require.Len(t, w.State().Kingdee.Bills, before)
		return orders
	}
	saved := w.savable()
	var parked, skipped string
	for id, expectation := range w.Truth() {
		switch {
		case expectation.Outcome == merchant.Failed && expectation.Reason == merchant.ReasonNewShop:
			parked = id
		case expectation.Outcome == merchant.Skipped:
			skipped = id
		}
	}
	orders := look(3, saved[0]+","+parked+","+skipped+",12")
	require.Len(t, orders, 4)
	require.Equal(t, "saved", orders[0].Outcome)
	require.Empty(t, orders[0].Bills)
	require.NotEmpty(t, orders[0].Lines)
	require.Equal(t, "parked", orders[1].Outcome)
	require.Equal(t, merchant.ReasonNewShop, orders[1].Reason)
	require.Equal(t, "skipped", orders[2].Outcome)
	require.NotEmpty(t, orders[2].Condition.Reads)
	require.Equal(t, preview.NotFound, orders[3].Outcome)

	w.sync(t)
	orders = look(0, saved[0])
	require.Equal(t, "already_saved", orders[0].Outcome)
	require.False(t, orders[0].Differs(), "%+v", orders[0])
	require.Len(t, orders[0].Bills, 1)
	for _, line := range orders[0].Lines {
		require.Equal(t, line.Number, line.Kingdee)
	}
	require.True(t, w.ReceiveMore(saved[0], false))
	orders = look(3, saved[0])
	require.Equal(t, "order_changed", orders[0].Reason)
	require.True(t, orders[0].Differs())

	// The flow's own parameters hide no order from the preview.
	hiding := w.with("REFUNDSYNC_FLOWS", changedFlows(t, `date_type: "0" #`, `status: WaitConfirm
    date_type: "0" #`))
	e := hiding.starter(t, 0, "preview", "--flow", builtInFlow, "--order", saved[1])
	require.Contains(t, e.stdout, "not read by a run")
	require.Contains(t, e.stdout, "WaitConfirm")

	e = w.starter(t, 3, "preview", "--flow", builtInFlow, "--from", from.Format(time.DateOnly), "--order", saved[0]+","+skipped+","+parked)
	require.Contains(t, e.stdout, "condition: ")
	require.Contains(t, e.stdout, "≠")
	e = w.starter(t, 0, "preview", "--flow", builtInFlow, "--order", saved[1], "-o", "request")
	require.Contains(t, e.stdout, `"FBillNo":"`+saved[1]+`"`)
	require.Contains(t, e.stderr, "already saved")
}

// Over a range, every code without a row is named, and how many orders take a default.
func TestPreviewOfARangeNamesCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60, Kinds: []merchant.Kind{merchant.Discounted, merchant.NewShop}}).
		with("REFUNDSYNC_FLOWS", changedFlows(t, "      拼多多百货店: CUST_PDD\n", ""))
	var got struct {
		Booked int
		Parked map[string]int
		Codes  []struct {
			Table, Code, Default, Advice string
			Parks                        bool
			Orders                       int
			IDs                          []string `json:"ids"`
		}
		Defaults map[string]int
	}
	e := w.run(t, "starter", append([]string{"preview", "-o", "json", "--table", "units"}, w.rangeFlags()...)...)
	require.Equal(t, 3, e.code, "orders would be parked: %s", e.stderr)
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &got))
	require.GreaterOrEqual(t, len(got.Codes), 2)
	parking := map[string]bool{}
	for _, code := range got.Codes[:2] {
		require.Equal(t, "customers", code.Table)
		require.True(t, code.Parks)
		require.Contains(t, code.Advice, "tables.customers.values")
		require.Len(t, code.IDs, code.Orders)
		require.Equal(t, got.Parked["unknown_code customers "+code.Code], code.Orders)
		parking[code.Code] = true
	}
	require.Equal(t, map[string]bool{"拼多多百货店": true, "视频号新店": true}, parking)
	all := got.Booked
	for _, count := range got.Parked {
		all += count
	}
	require.LessOrEqual(t, got.Defaults["units"], all)
	require.Positive(t, got.Defaults["units"])
	for _, code := range got.Codes {
		if code.Table == "units" {
			require.Equal(t, "Pcs", code.Default)
			require.Len(t, code.IDs, code.Orders)
		}
	}

	e = w.run(t, "starter", append([]string{"preview", "--table", "units"}, w.rangeFlags()...)...)
	require.Equal(t, 3, e.code, "orders would be parked: %s", e.stderr)
	require.Contains(t, e.stdout, `拼多多百货店": "<Kingdee's code>"`)
	require.Contains(t, e.stdout, "Orders with a code for which units has no row")
}
