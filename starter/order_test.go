package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// A story is about the runs whose range holds a change of the order.
func TestRunsOfAStory(t *testing.T) {
	changed := []time.Time{storyTime(10, 0), storyTime(12, 0)}
	result := func(from, to time.Time) *workflows.SyncFlowResult {
		return &workflows.SyncFlowResult{From: from, To: to}
	}
	for _, c := range []struct {
		name   string
		run    listedRun
		covers bool
	}{
		{"holds the first change", listedRun{Result: result(storyTime(9, 50), storyTime(10, 5))}, true},
		{"ends with the last change", listedRun{Result: result(storyTime(11, 0), storyTime(12, 0))}, true},
		{"between the two", listedRun{Result: result(storyTime(10, 1), storyTime(11, 59))}, false},
		{"under way, its range unknown", listedRun{Outcome: runRunning}, true},
		{"failed before it knew its range", listedRun{Outcome: workflows.RunFailed}, false},
		{"failed without a range", listedRun{Outcome: workflows.RunFailed, Result: &workflows.SyncFlowResult{}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, covers := coveringRun(c.run, changed)
			require.Equal(t, c.covers, covers)
		})
	}
}

// The histories that are read first are of the runs that saved the bill, then of the oldest
// and the newest by turns.
func TestHistoriesThatAreReadFirst(t *testing.T) {
	var runs []runStory
	for hour := range 20 {
		runs = append(runs, runStory{StartedAt: storyTime(hour, 0), EndedAt: storyTime(hour, 10)})
	}
	saved := billStory{Signed: kingdee.Signatures{Created: kingdee.Signature{By: "sync", At: storyTime(7, 11)}}}
	require.Equal(t, []int{7, 0, 19, 1, 18, 2, 17, 3, 16, 4, 15, 5}, readFirst(runs, []billStory{saved}))
	require.Equal(t, []int{0, 2, 1}, readFirst(runs[:3], nil))
}

// A run that continued as new began with its first part.
func TestStartOfARunInParts(t *testing.T) {
	part := func(from, to time.Time) *workflowpb.WorkflowExecutionInfo {
		return &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{RunId: from.Format(time.TimeOnly)}, StartTime: timestamppb.New(from), CloseTime: timestamppb.New(to),
		}
	}
	continued := []*workflowpb.WorkflowExecutionInfo{part(storyTime(9, 0), storyTime(10, 0)), part(storyTime(8, 0), storyTime(9, 0)), part(storyTime(6, 0), storyTime(7, 0))}
	start, ids := partsOf(runStory{RunID: "last", StartedAt: storyTime(10, 0)}, continued)
	require.Equal(t, storyTime(8, 0), start)
	require.Equal(t, []string{"last", "09:00:00", "08:00:00"}, ids)
	start, ids = partsOf(runStory{RunID: "only", StartedAt: storyTime(11, 0)}, continued)
	require.Equal(t, storyTime(11, 0), start)
	require.Equal(t, []string{"only"}, ids)
}

func TestBeginningOfAWindow(t *testing.T) {
	for id, want := range map[string]time.Time{
		"f/incremental-2024-03-02T10:20:00Z/20240302T100000": storyTime(10, 0),
		"f/incremental/ts17": {}, "f/orders-7/orders-7": {}, "f": {},
	} {
		from, ok := beginningIn(id)
		require.Equal(t, !want.IsZero(), ok, id)
		require.True(t, from.Equal(want), id)
	}
}
