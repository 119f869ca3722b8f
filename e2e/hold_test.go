package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// statusOf is what `starter status -o json` prints of the built-in flow.
func (w *world) statusOf(t *testing.T) status {
	t.Helper()
	now, _ := (&scheduledWorld{world: w}).status(t)
	return now
}

// A hold makes a run under way drain and wait, whichever worker is there, and runs that
// begin end at once; after the release everything is synced, and nothing twice.
func TestHeldRunGoesOnAfterTheRelease(t *testing.T) {
	t.Parallel()
	eachGrain(t, contract.GrainPage, heldRunGoesOnAfterTheRelease)
}

func heldRunGoesOnAfterTheRelease(t *testing.T, grain string) {
	w := newWorld(t, simulator.Options{Orders: 100}).inSmallSteps(t, "grain: auto", "grain: "+grain)
	worker := w.startWorker(t)
	id := w.beginHeld(t, 20).GetID()
	w.starter(t, 2, "hold", "--note", "x", "--flow", "refunds")
	require.Contains(t, w.starter(t, 0, "hold", "--note", "盘点", "--by", "wang").stdout, "held: all flows, since ")
	testkit.Wait(t, "the run knows", func() bool {
		running := w.statusOf(t).Running
		return len(running) == 1 && len(running[0].Held) == 1
	})
	w.ReleaseSaves()
	testkit.Wait(t, "nothing is in flight", func() bool { return inFlight(t, w, id) == 0 })
	worker.terminate(t)
	saved, read := w.bills(), len(w.State().Source.Calls)
	require.Less(t, saved, w.Truth().Totals().Saved, "the run is not over yet")

	// It is changed while it lasts.
	w.startWorker(t)
	until := time.Now().Add(100 * time.Hour).Format("2006-01-02")
	w.starter(t, 0, "hold", "--flow", builtInFlow, "--until", until, "--note", "月结", "--by", "li")
	testkit.Wait(t, "the run knows of both", func() bool { return len(w.statusOf(t).Running[0].Held) == 2 })
	require.Len(t, w.statusOf(t).Holds, 2)
	require.Contains(t, w.starter(t, 0, "status").stdout, "until "+until+" 00:00:00, by li: 月结")

	// Nobody begins a run by hand, and nobody resumes this one by accident.
	require.Contains(t, w.starter(t, 1, "run", "--flow", builtInFlow, "--from", "2024-01-01", "--to", "2024-01-02").stderr, "to end it: starter release")
	require.Contains(t, w.starter(t, 0, append([]string{"run"}, w.rangeFlags()...)...).stderr, "by wang: 盘点; to end it: starter release")
	require.Contains(t, w.starter(t, 0, "resume", id).stdout, "by wang: 盘点")
	// One that begins all the same does nothing.
	run := w.begin(t, inputOf(time.Now().AddDate(0, 0, -1), time.Now()))
	e := w.starter(t, 1, "watch", run.GetID())
	require.Contains(t, e.stdout+e.stderr, "The run did nothing")
	testkit.Wait(t, "it is listed", func() bool { return w.statusOf(t).LastDay.RunsHeld == 1 })

	// One of the two holds is not enough.
	require.Contains(t, w.starter(t, 0, "release", "--by", "zhao").stdout, "still on: held: flow "+builtInFlow)
	testkit.Wait(t, "the run knows of one", func() bool { return len(w.statusOf(t).Running[0].Held) == 1 })
	require.Equal(t, saved, w.bills())
	require.Len(t, w.State().Source.Calls, read)

	w.starter(t, 0, "release", "--flow", builtInFlow)
	requireTruth(t, w, w.sync(t))
	require.Empty(t, w.statusOf(t).Holds)
	require.Contains(t, w.starter(t, 0, "release").stdout, "No such hold was on")
}

// While a flow is held, its parked orders attempt nothing, and no attempt is lost or used
// up; the robots are told of its begin and end.
func TestHeldParkedOrdersAreSavedAfterTheRelease(t *testing.T) {
	t.Parallel()
	from := time.Now().In(merchant.Beijing).Truncate(time.Hour).AddDate(0, 0, -2).Add(-time.Hour)
	w := newWorld(t, simulator.Options{Orders: 200, From: from}).with("REFUNDSYNC_FLOWS", flowsWithAlerts(t))
	temporal := w.temporal(t)
	w.startWorker(t)
	unknown := w.syncIncrementally(t).FailedReasons["unknown_material"]
	require.NotZero(t, unknown)
	parked := ofReason(w.waitForParked(t, func(parked map[string]tally.Failure) bool {
		return len(ofReason(parked, "unknown_material")) == unknown
	}), "unknown_material")
	for _, failure := range parked {
		require.NoError(t, w.AddMaterial(missingMaterial(failure)))
	}
	w.starter(t, 0, "hold", "--flow", builtInFlow, "--note", "盘点", "--by", "wang")
	w.requireTold(t, 1, "The flow is held by wang")
	require.Contains(t, w.starter(t, 1, "parked", "retry", "--reason", "unknown_material").stderr, "to end it: starter release --flow "+builtInFlow)
	saved := w.bills()
	for id := range parked {
		retryParked(t, temporal, builtInFlow, id)
		testkit.Wait(t, "the order puts the attempt off", func() bool {
			var state workflows.ParkedOrderState
			require.NoError(t, json.Unmarshal([]byte(w.starter(t, 0, "parked", "show", id, "-o", "json").stdout), &state))
			require.Zero(t, state.Attempts)
			return len(state.Held) == 1
		})
	}
	require.Equal(t, saved, w.bills())

	w.starter(t, 0, "release", "--flow", builtInFlow, "--by", "li")
	w.waitForParked(t, func(parked map[string]tally.Failure) bool { return len(ofReason(parked, "unknown_material")) == 0 })
	require.Equal(t, saved+len(parked), w.bills())
	w.requireTold(t, 1, "was released by li")
}

// A schedule keeps its place over a hold that ends by itself.
func TestScheduleGoesOnAfterAHoldThatEndsByItself(t *testing.T) {
	t.Parallel()
	s := newScheduledWorld(t, simulator.Options{Orders: 40, ArrivePerMinute: 60})
	s.startWorker(t)
	from, _ := s.Range()
	s.starter(t, 0, "schedule", "create", "--flow", builtInFlow, "--since", from.Format(time.RFC3339), "--cron", "0 4 1 1 *")
	trigger := func() {
		require.NoError(t, s.temporal.ScheduleClient().GetHandle(t.Context(), "schedule/"+builtInFlow).Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	}
	trigger()
	first, _ := s.nextRun(t, "")

	s.starter(t, 0, "hold", "--until", time.Now().Add(time.Hour).Format(time.RFC3339), "--note", "盘点", "--by", "wang")
	require.Contains(t, s.starter(t, 1, "schedule", "trigger", "--flow", builtInFlow).stderr, "by wang: 盘点")
	trigger()
	testkit.Wait(t, "the run of the schedule ends held", func() bool {
		now, _ := s.status(t)
		return now.LastDay.RunsHeld == 1
	})
	now, code := s.status(t)
	require.Zero(t, code)
	require.Equal(t, first.LastRun.RunID, now.LastRun.RunID)
	require.True(t, first.Watermark.Equal(*now.Watermark))

	// Called once more, it ends in a moment.
	s.starter(t, 0, "hold", "--until", time.Now().Add(5*time.Second).Format(time.RFC3339), "--note", "盘点")
	testkit.Wait(t, "the hold has ended by itself", func() bool {
		now, _ := s.status(t)
		return len(now.Holds) == 0
	})
	s.starter(t, 0, "schedule", "trigger", "--flow", builtInFlow)
	next, result := s.nextRun(t, first.LastRun.RunID)
	require.Equal(t, first.Watermark.Add(-testOverlap).Unix(), result.From.Unix())
	require.Empty(t, simulator.Compare(s.Truth().Between(from, *next.Watermark), s.billsBefore(*next.Watermark)))
}
