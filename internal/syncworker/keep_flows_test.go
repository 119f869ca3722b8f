package syncworker

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/activities"
	"refundsync/internal/flow"
	"refundsync/workflows"
)

// refusing is a server that refuses one workflow.
type refusing struct {
	client.Client
	id   string
	kept []string
}

func (r *refusing) SignalWithStartWorkflow(_ context.Context, id, _ string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	if id == r.id {
		return nil, errors.New("refused")
	}
	r.kept = append(r.kept, id)
	return nil, nil
}

// A flow whose text can't be kept is told, and does not keep the others from being kept.
func TestKeepFlows(t *testing.T) {
	flows := flow.Flows{"a": {Name: "a", Version: "1"}, "b": {Name: "b", Version: "2"}, "c": {Name: "c", Version: "3"}}
	c := &refusing{id: workflows.FlowVersionID("b", "2")}
	told := map[string]string{}
	keepFlows(t.Context(), &activities.Activities{Flows: flows, Versions: activities.NewFlowVersions(c, "q")}, func(f *flow.Flow, err error) { told[f.Name] = err.Error() })
	require.ElementsMatch(t, []string{"flow/a/1", "flow/c/3"}, c.kept)
	require.Equal(t, map[string]string{"b": "version 2 of flow b could not be kept for starter flow show: refused"}, told)
}
