package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/text"
)

// Every recorded history must replay: this worker continues a run that a released one
// began, whichever language each speaks. docs/architecture.md says how to record.
func TestRecordedHistoriesReplay(t *testing.T) {
	for _, language := range []text.Language{text.English, text.Chinese} {
		t.Run(string(language), func(t *testing.T) {
			text.Use(language)
			defer text.Use(text.English)
			replayHistories(t)
		})
	}
}

func replayHistories(t *testing.T) {
	t.Helper()
	histories, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	recordedFrom, err := os.ReadFile("testdata/histories/RECORDED_FROM")
	require.NoError(t, err)
	replayed := registered{}
	for _, path := range histories {
		t.Run(strings.TrimSpace(string(recordedFrom))+"/"+filepath.Base(path), func(t *testing.T) {
			file, err := os.Open(path)
			require.NoError(t, err)
			defer file.Close()
			history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
			require.NoError(t, err)
			started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
			replayed[started.GetWorkflowType().GetName()] = true

			// A busy machine may take longer for a task than the second after which the
			// SDK speaks of a deadlock.
			replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
			require.NoError(t, err)
			Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
				// The ids of the windows are made from the id of their run.
				OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
			}))
		})
	}
	all := registered{}
	Register(all)
	require.Equal(t, all, replayed, "every workflow has a recorded history")
}

// registered are the names of workflows.
type registered map[string]bool

func (r registered) RegisterWorkflow(any) {}

func (r registered) RegisterWorkflowWithOptions(_ any, options workflow.RegisterOptions) {
	r[options.Name] = true
}

func (r registered) RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions) {}
