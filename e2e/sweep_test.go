package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// What is received without a new modification time is seen by no incremental run; a sweep
// finds it and reports how many, and finds none the next time. It has its own schedule
// beside the flow's, and does not move the watermark.
func TestSweepFindsWhatNoOtherRunSees(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 40, Days: 2, ArrivePerMinute: 1}, "existing: report", "existing: supplement")
	s.startWorker(t)
	from, _ := s.Range()
	e := s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--cron", "0 4 1 1 *")
	require.Contains(t, e.stderr, "sweep/"+builtInFlow)
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	first, result := s.nextRun(t, "")
	require.NotZero(t, result.Saved)

	// Well before now, because sweeps stop short of the present.
	var silent []string
	for _, id := range s.savable() {
		if s.Truth()[id].Modified.Before(time.Now().Add(-3*time.Hour)) && len(silent) < 3 {
			silent = append(silent, id)
			require.True(t, s.ReceiveMore(id, true))
		}
	}
	require.Len(t, silent, 3)
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	second, result := s.nextRun(t, first.LastRun.RunID)
	require.Zero(t, result.Updated, "no run sees it")

	found := func(after status) (status, int) {
		t.Helper()
		s.starter(t, 0, "schedule", "sweep", "--flow", builtInFlow)
		now, result := s.nextRun(t, after.LastRun.RunID)
		require.NotNil(t, result.Found)
		require.True(t, now.Watermark.Equal(*after.Watermark), "a sweep moves no watermark")
		require.Equal(t, *result.Found, now.LastSweep.Found)
		require.WithinDuration(t, time.Now().Add(-time.Hour), result.To, 10*time.Minute)
		require.Equal(t, 15*24*time.Hour, result.To.Sub(result.From))
		return now, *result.Found
	}
	third, count := found(second)
	require.Equal(t, len(silent), count)
	truth := s.Truth()
	for _, id := range silent {
		require.Empty(t, simulator.CompareSupplemented(merchant.Truth{id: truth[id]}, s.billsOf(id)))
	}
	_, count = found(third)
	require.Zero(t, count)
}

// billsOf is what Kingdee holds of an order.
func (s *scheduledWorld) billsOf(id string) simulator.State {
	state := s.State()
	bills := state.Kingdee.Bills[:0:0]
	for _, bill := range state.Kingdee.Bills {
		if bill.Number == id || len(bill.Number) > len(id) && bill.Number[:len(id)+1] == id+"-" {
			bills = append(bills, bill)
		}
	}
	state.Kingdee.Bills = bills
	return state
}
