package main

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// A script reads one shape, in which messages are plain words.
func TestResultInJSON(t *testing.T) {
	at := time.Date(2024, 3, 1, 0, 0, 0, 0, beijing.Zone)
	span := workflows.Window{From: at, To: at.Add(24*time.Hour - time.Second)}
	counted := workflows.SyncFlowResult{From: span.From, To: span.To, Tally: tally.Tally{
		Pages: 1, Fetched: 1, Parked: 1, FailedReasons: map[string]int{"unknown_code": 1},
		Differences: []text.Text{text.New("%s COMMAND [flags]", "bill R1:")},
		Failures:    []tally.Failure{{ID: "7", BillNumber: "R7", Reason: "unknown_code", Message: text.New("%s COMMAND [flags]", "starter")}},
	}}
	for _, c := range []struct {
		name string
		r    runResult
		want string
	}{
		{"ended", newRunResult("a/run", "1", counted, nil), `{
			"workflow_id": "a/run", "run_id": "1", "outcome": "parked",
			"from": "2024-03-01T00:00:00+08:00", "to": "2024-03-01T23:59:59+08:00", "watermark": null,
			"pages": 1, "fetched": 1, "saved": 0, "updated": 0, "already_saved": 0, "skipped": {}, "parked": 1, "failed": 0,
			"failed_reasons": {"unknown_code": 1},
			"failures": [{"id": "7", "bill_number": "R7", "reason": "unknown_code", "message": "starter COMMAND [flags]"}],
			"differences": ["bill R1: COMMAND [flags]"]}`},
		{"failed before it knew its range", newRunResult("a/run", "1", workflows.SyncFlowResult{}, errors.New("no room")), `{
			"workflow_id": "a/run", "run_id": "1", "outcome": "failed", "watermark": null,
			"pages": 0, "fetched": 0, "saved": 0, "updated": 0, "already_saved": 0, "skipped": {}, "parked": 0, "failed": 0,
			"failed_reasons": {}, "failures": [], "error": "no room"}`},
		{"begun", startedResult("a/run", "1", span, &workflows.Estimate{Windows: 2, Orders: 30, Counted: 2, Duration: 4 * time.Second}), `{
			"workflow_id": "a/run", "run_id": "1", "outcome": "running",
			"from": "2024-03-01T00:00:00+08:00", "to": "2024-03-01T23:59:59+08:00",
			"estimate": {"windows": 2, "orders": 30, "counted": 2, "seconds": 4}}`},
		{"begun, range unknown", startedResult("a/hand", "1", workflows.Window{}, nil), `{"workflow_id": "a/hand", "run_id": "1", "outcome": "running"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, writeJSON(&out, c.r))
			require.JSONEq(t, c.want, out.String())
		})
	}
}

func TestOutcomeOfAResult(t *testing.T) {
	for _, c := range []struct {
		want string
		sum  tally.Tally
		err  error
	}{
		{"done", tally.Tally{Saved: 1}, nil},
		{"parked", tally.Tally{Parked: 1}, nil},
		{"orders_failed", tally.Tally{Parked: 1, Failed: 1}, nil},
		{"failed", tally.Tally{Parked: 1}, errors.New("why")},
		{"cancelled", tally.Tally{}, temporal.NewCanceledError()},
		{"terminated", tally.Tally{}, &temporal.TerminatedError{}},
	} {
		t.Run(c.want, func(t *testing.T) { require.Equal(t, c.want, endedAs(c.sum, c.err)) })
	}
}

// A run that failed before it knew its range shows why it failed, and no zeros.
func TestRunsThatEnded(t *testing.T) {
	at := time.Date(2024, 3, 1, 0, 0, 0, 0, beijing.Zone)
	var out bytes.Buffer
	err := printAll(&out, []runResult{newRunResult("a/hand", "1", workflows.SyncFlowResult{}, errors.New("no watermark"))}, outputTable)
	require.Equal(t, exitFailed, exitCode(err))
	require.Equal(t, "a/hand: no watermark\n", out.String())

	out.Reset()
	parked := workflows.SyncFlowResult{From: at, To: at, Tally: tally.Tally{Fetched: 2, Parked: 2, FailedReasons: map[string]int{"unknown_code": 2}}}
	err = printAll(&out, []runResult{newRunResult("a/run", "1", parked, nil)}, outputTable)
	require.Equal(t, exitWithFailures, exitCode(err))
	require.Contains(t, out.String(), "2024-03-01 00:00:00")
	require.Contains(t, out.String(), "(unknown_code)")
}
