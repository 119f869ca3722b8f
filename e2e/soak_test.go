package e2e

import (
	"cmp"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit"
)

// A schedule runs by itself while orders arrive all the time and everything that can go
// wrong does. The watermark never moves back, and in the end no order is missing or
// duplicated. How far the flow lags depends on the machine, and is printed.
//
// REFUNDSYNC_SOAK=30m makes it run for half an hour, with a run each minute.
func TestSoakScheduleKeepsUpWithOrdersThatArrive(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	soak, err := time.ParseDuration(cmp.Or(os.Getenv("REFUNDSYNC_SOAK"), "40s"))
	require.NoError(t, err, "REFUNDSYNC_SOAK")
	// A single exceeded call limit makes its call wait for half a minute.
	interval, limit := "@every 3s", 2*time.Minute
	if soak >= 5*time.Minute {
		interval, limit = "* * * * *", 5*time.Minute
	}
	const seed = 11
	s := newScheduledWorld(t, simulator.Options{
		Seed: seed, Orders: 60, ArrivePerMinute: 60, Faults: everyFault(), HangTime: time.Second,
	}, "lag_limit: 1h", "lag_limit: "+limit.String())
	s.startWorkerProcess(t)
	from, _ := s.Range()
	c := &chaosWorld{world: s.world, seed: seed, grain: contract.GrainOrder, existing: flow.ExistingReport, started: time.Now()}
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--cron", interval)

	var longest time.Duration
	behind := false
	var watermark *time.Time
	for end := time.Now().Add(soak); time.Now().Before(end); {
		testkit.Wait(t, "the flow has a watermark", func() bool {
			now, code := s.status(t)
			if now.Watermark != nil {
				require.True(t, watermark == nil || !now.Watermark.Before(*watermark), "the watermark moved back")
				watermark = now.Watermark
				longest = max(longest, time.Duration(*now.LagSeconds)*time.Second)
				behind = behind || code == 4
			}
			return watermark != nil
		})
	}

	// No more orders arrive and nothing more goes wrong: the schedule catches up by
	// itself, and what is parked is retried.
	s.StopArriving()
	injected := maps.Clone(s.State().Faults)
	require.NoError(t, s.SetFaults(faults.Probabilities{}))
	testkit.Wait(t, "the schedule has brought the rest", func() bool {
		now, _ := s.status(t)
		c.runs = now.LastDay.Runs
		return now.Watermark.After(s.Truth().Latest()) && s.State().Kingdee.LateSaves == 0
	})
	s.starter(t, 0, "schedule", "pause", "--flow", builtInFlow)
	truth := s.Truth()
	c.requireParkedAreTheBadOrders(t, builtInFlow)
	missing, twice, wrong, _ := c.differences(truth, s.State())
	c.report(t, builtInFlow, injected, missing, twice)
	t.Logf("longest lag %s of %s, called behind: %v", longest, limit, behind)
	require.Empty(t, missing)
	require.Empty(t, twice)
	require.Empty(t, wrong)
	require.Empty(t, s.State().Kingdee.Doubles)
	require.Greater(t, truth.Totals().Orders, 60+int(soak/time.Second)/2, "orders did arrive")
}
