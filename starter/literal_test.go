package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// A buyer's remark must not drive the terminal of who looks at the order.
func TestOrdersDriveNoTerminal(t *testing.T) {
	const remark = "退款\x1b]0;title\x07\x1b[2J\u009b31m \u200e好"
	var out bytes.Buffer
	printFailures(&literal.Writer{To: &out}, tally.Tally{
		FailedReasons: map[string]int{"unknown_code": 1},
		Failures:      []tally.Failure{{Reason: "unknown_code", ID: "7", Message: text.Literal(remark)}},
	})
	require.Contains(t, out.String(), "退款□]0;title□□[2J□31m")
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "\u009b")
}

// What a spreadsheet opens holds no formula that an order brought along.
func TestCellsAreNoFormulas(t *testing.T) {
	var out bytes.Buffer
	const formula = `=HYPERLINK("https://example.com/","x")`
	require.NoError(t, printParkedCSV(&out, []parkedOrder{{Shop: formula, shownFailure: showFailure(tally.Failure{BillNumber: formula, ID: formula, Field: "@x", Message: text.Literal("+1")})}}))
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	require.NoError(t, err)
	id := `="=HYPERLINK(""https://example.com/"",""x"")"`
	require.Equal(t, []string{id, id, "'" + formula, "0001-01-01 00:00:00", "", "'@x", "'+1"}, rows[1])
}
