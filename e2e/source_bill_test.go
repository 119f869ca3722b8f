package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
	"refundsync/internal/kingdee"
	"refundsync/internal/preview"
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/internal/tally"
)

// sendOut saves an outbound bill of an order with one line for each of the quantities, and
// audits it.
func (w *world) sendOut(t *testing.T, order, material string, quantities ...decimal.Decimal) {
	t.Helper()
	settings, err := config.Environment(w.env).Load()
	require.NoError(t, err)
	ledger, err := syncworker.KingdeeClient(settings.Kingdee)
	require.NoError(t, err)
	outbound := kingdee.BillForm{ID: "SAL_OUTSTOCK", Lines: "FEntity", Number: "FBillNo"}
	var lines []string
	for _, quantity := range quantities {
		lines = append(lines, fmt.Sprintf(`{"FMaterialID":{"FNumber":%q},"FUnitID":{"FNumber":"Pcs"},"FRealQty":%s,"FTaxPrice":1,"FStockID":{"FNumber":"CK001"},"FOwnerID":{"FNumber":"100"}}`, material, quantity))
	}
	number := "XSCK" + order
	results, err := ledger.BatchSave(t.Context(), kingdee.BatchSave{Form: outbound, IsVerifyBaseDataField: true, Model: []json.RawMessage{json.RawMessage(fmt.Sprintf(
		`{"FBillTypeID":{"FNUMBER":"XSCKD07_SYS"},"FBillNo":%q,"FDate":"2024-01-02","FSaleOrgId":{"FNumber":"100"},"FStockOrgId":{"FNumber":"100"},"FCustomerID":{"FNumber":"CUST_TMALL"},`+
			`"SubHeadEntity":{"FSettleCurrID":{"FNumber":"PRE001"},"FSettleOrgID":{"FNumber":"100"},"FThirdBillNo":%q},"FEntity":[%s]}`, number, order, strings.Join(lines, ",")))}})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
	for _, call := range []func() ([]kingdee.BillResult, error){
		func() ([]kingdee.BillResult, error) {
			return ledger.Submit(t.Context(), outbound, []string{number})
		},
		func() ([]kingdee.BillResult, error) {
			return ledger.Audit(t.Context(), outbound, []string{number})
		},
	} {
		results, err := call()
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
	}
}

// Returns name the lines of their outbound bills, which then say what was returned. An order
// without one is booked without a link, or parked where the flow requires one.
func TestReturnsNameTheirOutboundLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60})
	const before = "  split_defective: true\n"
	linking := before + "  source_bill:\n    FormId: SAL_OUTSTOCK\n    where: { FThirdBillNo: { field: as_id } }\n"
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, before, linking)
	w.startWorker(t)
	e := w.starter(t, 0, "check")
	require.Contains(t, e.stdout, "✓ Source bills ("+builtInFlow+"): SAL_OUTSTOCK can be queried by FThirdBillNo")
	misspelt := w.with("REFUNDSYNC_FLOWS", changedFlows(t, before, strings.Replace(linking, "FThirdBillNo", "FThirdBill", 1)))
	require.Contains(t, misspelt.starter(t, 1, "check").stdout, "SAL_OUTSTOCK has no field FThirdBill,")

	// Of each three orders with one line, one has an outbound line with more than is
	// returned, one two lines, of one piece and the rest, and one none.
	truth := w.Truth()
	enough, split, none := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}, map[string]bool{}
	one := decimal.NewFromInt(1)
	for i, id := range w.savable() {
		bill := truth[id].Bill
		line := bill.Lines[0]
		switch {
		case len(bill.Lines) > 1:
			none[id] = true
		case i%3 == 0:
			enough[id] = line.Quantity
			w.sendOut(t, id, line.Material, line.Quantity.Add(one))
		case line.Quantity.GreaterThan(one):
			split[id] = line.Quantity
			w.sendOut(t, id, line.Material, one, line.Quantity.Sub(one))
		default:
			none[id] = true
		}
	}
	require.NotEmpty(t, enough)
	require.NotEmpty(t, split)
	require.NotEmpty(t, none)

	someEnough := slices.Sorted(maps.Keys(enough))[0]
	from, _ := w.Range()
	var orders []preview.Order
	e = w.starter(t, 0, "preview", "--flow", builtInFlow, "--from", from.Format("2006-01-02"), "--order", someEnough, "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &orders))
	require.Len(t, orders[0].Links, 1)
	require.Equal(t, "XSCK"+someEnough, orders[0].Links[0].SourceBill)

	r := w.sync(t)
	require.Equal(t, len(w.savable()), r.Saved)
	require.Equal(t, len(none), r.Unlinked)
	state := w.State().Kingdee
	require.Zero(t, state.LostLinks)
	require.Empty(t, state.UnknownFields)
	for _, bill := range state.Of("SAL_RETURNSTOCK") {
		sources := 0
		for _, line := range bill.Entries {
			if line.Fields["FSrcBillNo"] != "" {
				require.Equal(t, "XSCK"+bill.Number, line.Fields["FSrcBillNo"])
				require.Equal(t, "SAL_OUTSTOCK", line.Fields["FSrcBillTypeId"])
				sources++
			}
		}
		switch {
		case none[bill.Number]:
			require.Zero(t, sources)
		case !split[bill.Number].IsZero():
			require.Equal(t, 2, sources)
		default:
			require.Equal(t, 1, sources)
		}
	}
	for _, bill := range state.Of("SAL_OUTSTOCK") {
		returned := decimal.Zero
		for _, line := range bill.Entries {
			its := decimal.RequireFromString("0" + line.Fields["FSumRetStockQty"])
			require.False(t, its.GreaterThan(decimal.RequireFromString(line.Fields["FRealQty"])))
			returned = returned.Add(its)
		}
		id := strings.TrimPrefix(bill.Number, "XSCK")
		require.Equal(t, enough[id].Add(split[id]).String(), returned.String(), id)
	}

	// A run over the same orders changes nothing, and one order's story shows its link.
	r = w.sync(t)
	require.Equal(t, len(w.savable()), r.AlreadySaved)
	require.Contains(t, w.starter(t, 0, "order", someEnough).stdout, "linked to XSCK"+someEnough)

	other := newWorld(t, simulator.Options{Orders: 20})
	other.env["REFUNDSYNC_FLOWS"] = changedFlows(t, before, linking+"    required: true\n", "too_many_failures: 80", "too_many_failures: 0")
	other.startWorker(t)
	r = other.sync(t)
	require.Zero(t, r.Saved)
	require.Equal(t, len(other.savable()), r.FailedReasons[tally.SourceBillMissing])
	require.Empty(t, other.State().Kingdee.Of("SAL_RETURNSTOCK"))
}
