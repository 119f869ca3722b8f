package workflows

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// What an order says is plain text in the Web UI.
func TestDetailsAreLiteral(t *testing.T) {
	var d details
	d.tally(tally.Tally{
		Skipped:       map[string]int{"a|b": 1},
		BillsDeleted:  1,
		NotBooked:     map[string]tally.Money{"c|d": {Orders: 2, Amount: decimal.New(15, -1)}},
		FailedReasons: map[string]int{"unknown_code": 1},
		Failures:      []tally.Failure{{ID: "7", Message: text.Literal("batchSave [11]: “![x](https://example.com/x)\n<img src=x>”")}},
	})
	require.Contains(t, d.String(), `| skipped: a\|b | 1 |`+"\n"+`| of which bills deleted | 1 |`)
	require.Contains(t, d.String(), `| not booked: c\|d | 2 orders, 1.50 |`)
	require.Contains(t, d.String(), `- batchSave \[11\]: “!\[x\](https\://example.com/x) \<img src=x\>”`)
}

// A run whose flow's text is not kept says so.
func TestRunDetailsSayWhatIsNotKept(t *testing.T) {
	require.Equal(t, "**Flow** 售后单 → 退货单", strings.SplitN(runDetails(SyncFlowProgress{Title: "售后单 → 退货单"}), "\n", 2)[0])
	require.NotContains(t, runDetails(SyncFlowProgress{}), "Flow's text")
	require.Contains(t, runDetails(SyncFlowProgress{NotKept: text.New("tables that are too large: %s", "a_b.csv")}), "**⚠ Flow's text** tables that are too large: a_b.csv")
}
