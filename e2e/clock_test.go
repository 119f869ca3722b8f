package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit"
)

// A source whose clock is behind ours by more than lag and overlap together dates its
// orders in our past. None of them is missed.
func TestSourceWhoseClockIsBehindLosesNothing(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{
		Orders: 10, ArrivePerMinute: 120,
		Faults: faults.Probabilities{faults.SourceClockBehind: 1}, ClockError: 30 * time.Second,
	})
	s.env["REFUNDSYNC_FLOWS"] = changedFlows(t, "overlap: 10m # how", "overlap: 5s # how", "lag: 5m # how", "lag: 5s # how")
	worker := s.startWorker(t)
	from, _ := s.Range()
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--paused", "--cron", "0 4 1 1 *")

	before := len(s.Truth())
	last, run := time.Time{}, ""
	sync := func() {
		s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
		now, result := s.nextRun(t, run)
		require.NotNil(t, result.Watermark)
		last, run = *result.Watermark, now.LastRun.RunID
	}
	testkit.Wait(t, "orders arrive between runs", func() bool {
		sync()
		return len(s.Truth()) >= before+15
	})
	s.StopArriving()
	testkit.Wait(t, "the watermark is behind the last order", func() bool {
		sync()
		return last.After(s.Truth().Latest())
	})
	require.Empty(t, simulator.Compare(s.Truth(), s.State()))
	require.Contains(t, worker.output(), "the clocks differ")
}
