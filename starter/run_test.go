package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/syncworker"
	"refundsync/workflows"
)

func TestParseRange(t *testing.T) {
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2024, 3, day, hour, minute, second, 0, beijing.Zone)
	}
	for _, c := range []struct {
		name, from, to string
		begin, end     time.Time
		wrong          string
	}{
		{"days are whole days", "2024-03-01", "2024-03-02", at(1, 0, 0, 0), at(2, 23, 59, 59), ""},
		{"one day", "2024-03-01", "2024-03-01", at(1, 0, 0, 0), at(1, 23, 59, 59), ""},
		{"midnight is a moment", "2024-03-01", "2024-03-02 00:00:00", at(1, 0, 0, 0), at(2, 0, 0, 0), ""},
		{"minutes", "2024-03-01 08:00", "2024-03-01 09:30", at(1, 8, 0, 0), at(1, 9, 30, 0), ""},
		{"another zone", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", at(1, 8, 0, 0), at(1, 8, 0, 0), ""},
		{"the end before the begin", "2024-03-02", "2024-03-01", time.Time{}, time.Time{}, "--to 2024-03-01 is before --from 2024-03-02"},
		{"no time", "yesterday", "2024-03-01", time.Time{}, time.Time{}, `--from "yesterday" is not a time`},
		{"no end", "2024-03-01", "", time.Time{}, time.Time{}, "missing: --to"},
		{"no begin", "", "2024-03-01", time.Time{}, time.Time{}, "missing: --from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			span, err := parseRange(c.from, c.to)
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.begin, span.From)
			require.Equal(t, c.end, span.To)
		})
	}
}

// A flow that nobody has is refused before a run of it waits for a worker forever.
func TestCheckFlow(t *testing.T) {
	folder := filepath.Join("..", "flows")
	other := workerFlows{workers: []syncworker.FlowVersions{{"other": "1"}}, all: true}
	for _, c := range []struct {
		name      string
		atWorkers workerFlows
		folder    string
		flow      string
		wrong     bool
	}{
		{"a worker has it", other, folder, "other", false},
		{"no worker has it", other, folder, builtInFlow, true},
		{"a worker does not tell", workerFlows{workers: other.workers}, folder, builtInFlow, false},
		{"no worker, and a file", workerFlows{all: true}, folder, builtInFlow, false},
		{"no worker, and no file", workerFlows{all: true}, folder, "refunds", true},
		{"no worker, and no folder", workerFlows{all: true}, filepath.Join(folder, "none"), "refunds", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkFlow(c.atWorkers, c.folder, c.flow)
			require.Equal(t, c.wrong, err != nil, err)
		})
	}
}

func TestAJoinedRunSaysWhichFlagsItDoesNotFollow(t *testing.T) {
	const joined = "it was under way already; joined"
	for _, c := range []struct {
		name string
		in   workflows.SyncFlowInput
		told bool
	}{
		{"none", workflows.SyncFlowInput{}, false},
		{"a grain", workflows.SyncFlowInput{Grain: "page"}, true},
		{"a rate", workflows.SyncFlowInput{Rate: workflows.Rate{InFlight: 1}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := plannedRun{workflowID: "f/hand", in: c.in}.joinedText()
			require.Contains(t, said, joined)
			if c.told {
				require.Contains(t, said, "starter rate f/hand")
			} else {
				require.Equal(t, joined, said)
			}
		})
	}
}
