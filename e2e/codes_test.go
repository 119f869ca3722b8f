package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
)

// check looks up the codes of the flow in Kingdee, and those of recent orders in the
// tables, and reports all that are wrong at once.
func TestCheckLooksUpCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 200, From: time.Now().Add(-3 * 24 * time.Hour).Truncate(time.Second)})
	e := w.run(t, "starter", "check", "--days", "0")
	require.Contains(t, e.stdout, "✓ Kingdee codes ("+builtInFlow+"): 19 codes of 12 fields")
	require.NotContains(t, e.stdout, "Codes of the last")

	require.NoError(t, w.PutBaseData("BD_STOCK", galaxy.BaseItem{Number: "CK001", Forbidden: true}))
	require.NoError(t, w.PutBaseData("BD_MATERIAL", galaxy.BaseItem{Number: "9902", Draft: true}))
	require.NoError(t, w.PutBaseData("BD_Customer", galaxy.BaseItem{Number: "CUST_200", Organisation: "200"}))
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "拼多多百货店: CUST_PDD", "拼多多百货店: CUST_PPD", "快手小店: CUST_KUAISHOU", "快手小店: CUST_200")
	e = w.starter(t, 1, "check", "--days", "7")
	require.Contains(t, e.stdout, "✗ Kingdee codes")
	for _, says := range []string{
		"CK001 of BD_STOCK is disabled", "9902 of BD_MATERIAL is not audited", "Kingdee shows no CUST_PPD in BD_Customer", "Did you mean CUST_PDD?",
		"CUST_200 of BD_Customer is not allocated (分配) to organisation 100, only to 200",
	} {
		require.Contains(t, e.stdout, says)
	}
	require.Contains(t, e.stdout, "! Codes of the last 7 days")
	require.Contains(t, e.stdout, fmt.Sprintf("table customers has no code “视频号新店” and no default; orders: %d. Add this line to tables.customers.values",
		w.Truth().Totals().Failed[merchant.ReasonNewShop]))
}
