package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/tally"
	"refundsync/workflows"
)

func TestProgressByOrdersOrElseByWindows(t *testing.T) {
	window := func(counted, fetched, saved int) workflows.SyncWindowProgress {
		return workflows.SyncWindowProgress{DataCount: counted, Tally: tally.Tally{Fetched: fetched, Saved: saved}}
	}
	run := func(windows, done, orders, fetched int) workflows.SyncFlowProgress {
		return workflows.SyncFlowProgress{Windows: windows, WindowsDone: done, Orders: orders, Tally: tally.Tally{Fetched: fetched, Saved: fetched}}
	}
	for _, c := range []struct {
		name     string
		run      workflows.SyncFlowProgress
		windows  []workflows.SyncWindowProgress
		expected int
		share    float64
	}{
		{"nothing known yet", run(1, 0, 0, 0), nil, 0, 0},
		{"an empty range", run(0, 0, 0, 0), nil, 0, 0},
		{"a window that has not read its first page", run(1, 0, 0, 0), []workflows.SyncWindowProgress{window(0, 0, 0)}, 0, 0},
		{"the only window, counted", run(1, 0, 0, 0), []workflows.SyncWindowProgress{window(200, 60, 50)}, 200, 0.25},
		{"by windows", run(4, 1, 0, 300), []workflows.SyncWindowProgress{window(100, 60, 50)}, 0, 1.5 / 4},
		{"as many orders as expected", run(4, 1, 400, 100), []workflows.SyncWindowProgress{window(100, 60, 50)}, 400, 0.375},
		{"more orders than expected", run(4, 1, 400, 700), []workflows.SyncWindowProgress{window(100, 60, 50)}, 1000, 0.75},
		{"fewer orders than expected", run(4, 3, 8000, 90), []workflows.SyncWindowProgress{window(10, 6, 6)}, 100, 0.96},
		{"more came than the source counted", run(1, 0, 10, 0), []workflows.SyncWindowProgress{window(10, 12, 12)}, 12, 1},
		{"done", run(2, 2, 50, 40), nil, 40, 1},
		{"done, and there were none", run(2, 2, 0, 0), nil, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProgress(c.run, c.windows)
			require.Equal(t, c.expected, p.expected)
			require.InDelta(t, c.share, p.share, 1e-9)
		})
	}
}

func TestRemainingTime(t *testing.T) {
	start := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds float64, share float64) moment {
		return moment{start.Add(time.Duration(seconds * float64(time.Second))), share}
	}
	for _, c := range []struct {
		name    string
		moments []moment
		want    time.Duration
		known   bool
	}{
		{"no look", nil, 0, false},
		{"one look", []moment{at(0, 0.5)}, 0, false},
		{"too soon", []moment{at(0, 0), at(1, 0.5)}, 0, false},
		{"nothing done", []moment{at(0, 0.2), at(60, 0.2)}, 0, false},
		{"less known than before", []moment{at(0, 0.2), at(60, 0.1)}, 0, false},
		{"a fifth in ten seconds", []moment{at(0, 0), at(10, 0.2)}, 40 * time.Second, true},
		{"joined in the middle", []moment{at(0, 0.5), at(4, 0.55), at(10, 0.6)}, 40 * time.Second, true},
		{"all done", []moment{at(0, 0.5), at(10, 1)}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rest, known := remainingAfter(c.moments)
			require.Equal(t, c.known, known)
			require.InDelta(t, c.want, rest, float64(time.Millisecond))
		})
	}
}

// What is shown never runs backwards, and the pace is that of the last minutes: neither
// a pause nor how slow it was before counts.
func TestPace(t *testing.T) {
	var v pace
	now := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	take := func(share float64, paused bool) {
		now = now.Add(time.Minute)
		p := progress{share: share}
		if paused {
			p.run.Control.Paused = &workflows.Pause{}
		}
		v.add(now, p)
	}
	take(0.10, false)
	take(0.11, false)
	require.Equal(t, "1h29m", v.remaining())
	take(0.10, false)
	require.Equal(t, 110, v.permille)
	take(0.3, false)
	take(0.5, false)
	require.Equal(t, "2m30s", v.remaining())
	take(0.5, true)
	require.Empty(t, v.remaining())
	take(0.5, false)
	require.Empty(t, v.remaining())
	take(0.75, false)
	require.Equal(t, "1m00s", v.remaining())
	require.Equal(t, 750, v.permille)
}

func TestShortDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1s": 0, "59s": 59*time.Second + 900*time.Millisecond, "1m00s": time.Minute, "59m59s": time.Hour - time.Second,
		"1h00m": time.Hour, "23h59m": 24*time.Hour - time.Second, "1d00h": 24 * time.Hour, "40d01h": 961 * time.Hour,
	} {
		require.Equal(t, want, shortDuration(d), d)
	}
}
