package workflows

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// What an order says is text in the Web UI, and nothing to click on.
func TestDetailsAreLiteral(t *testing.T) {
	details := tallyDetails(tally.Tally{
		Skipped:       map[string]int{"a|b": 1},
		NotBooked:     map[string]tally.Money{"c|d": {Orders: 2, Amount: decimal.New(15, -1)}},
		FailedReasons: map[string]int{"unknown_code": 1},
		Failures:      []tally.Failure{{ID: "7", Message: text.Literal("batchSave [11]: “![x](https://example.com/x)\n<img src=x>”")}},
	})
	require.Contains(t, details, `| 跳过 skipped: a\|b | 1 |`)
	require.Contains(t, details, `| 未入账 not booked: c\|d | 2 orders, 1.50 |`)
	require.Contains(t, details, `- batchSave \[11\]: “!\[x\](https\://example.com/x) \<img src=x\>”`)
}
