package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// The schedules of the sweep and of the reconciliation are created, paused, resumed, changed
// and deleted with the flow's.
func TestDailySchedulesGoWithTheFlows(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 1})
	type daily struct {
		Cron    []string   `json:"cron"`
		Paused  bool       `json:"paused"`
		NextRun *time.Time `json:"next_run"`
	}
	show := func() (paused bool, sweep, reconcile *daily) {
		t.Helper()
		var now struct {
			Paused    bool   `json:"paused"`
			Sweep     *daily `json:"sweep"`
			Reconcile *daily `json:"reconcile"`
		}
		e := s.starter(t, 0, "schedule", "show", "--flow", builtInFlow, "-o", "json")
		require.NoError(t, json.Unmarshal([]byte(e.stdout), &now))
		return now.Paused, now.Sweep, now.Reconcile
	}
	from, _ := s.Range()
	e := s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--cron", "0 4 1 1 *")
	require.Contains(t, e.stderr, "created: sweep/"+builtInFlow)
	require.Contains(t, e.stderr, "created: reconcile/"+builtInFlow)
	_, sweep, reconcile := show()
	for _, c := range []struct {
		daily    *daily
		cron, at string
	}{{sweep, "30 3 * * *", "03:30"}, {reconcile, "0 6 * * *", "06:00"}} {
		require.Equal(t, []string{c.cron}, c.daily.Cron)
		require.Equal(t, c.at, c.daily.NextRun.In(merchant.Beijing).Format("15:04"))
	}

	s.starter(t, 0, "schedule", "pause", "--flow", builtInFlow)
	paused, sweep, reconcile := show()
	require.True(t, paused && sweep.Paused && reconcile.Paused)
	s.starter(t, 0, "schedule", "resume", "--flow", builtInFlow)
	paused, sweep, reconcile = show()
	require.False(t, paused || sweep.Paused || reconcile.Paused)

	without := s.with("REFUNDSYNC_FLOWS", changedFlows(t,
		"  sweep:\n    days: 15 # 1 to 90; 15 if left out\n    at: \"03:30\" # in the schedule's time zone; \"03:30\" if left out\n", "",
		"    at: \"06:00\" # in the schedule's time zone; \"06:00\" if left out\n", "    at: \"06:30\"\n"))
	e = without.starter(t, 0, "schedule", "update", "--flow", builtInFlow)
	require.Contains(t, e.stderr, "deleted: sweep/"+builtInFlow)
	require.Contains(t, e.stderr, "updated: reconcile/"+builtInFlow)
	_, sweep, reconcile = show()
	require.Nil(t, sweep, "the flow no longer sweeps")
	require.Equal(t, []string{"30 6 * * *"}, reconcile.Cron)
	s.starter(t, 0, "schedule", "update", "--flow", builtInFlow)
	_, sweep, _ = show()
	require.NotNil(t, sweep)

	s.starter(t, 0, "schedule", "delete", "--flow", builtInFlow)
	s.starter(t, 1, "schedule", "sweep", "--flow", builtInFlow)
	for _, id := range []string{"schedule/", "sweep/", "reconcile/"} {
		_, err := s.temporal.ScheduleClient().GetHandle(t.Context(), id+builtInFlow).Describe(t.Context())
		require.Error(t, err, id)
	}
}
