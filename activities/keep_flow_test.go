package activities

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

// keepingClient notes the workflows that it starts.
type keepingClient struct {
	client.Client
	err  error
	kept []workflows.FlowVersionInput
	ids  []string
}

func (c *keepingClient) SignalWithStartWorkflow(_ context.Context, id, signal string, use any, options client.StartWorkflowOptions, workflowType any, args ...any) (client.WorkflowRun, error) {
	if c.err != nil {
		return nil, c.err
	}
	if signal != workflows.UsedSignal || use.(workflows.FlowVersionUse).Program == "" || options.TaskQueue != "q" || workflowType != workflows.FlowVersionName {
		return nil, errors.New("another workflow")
	}
	c.ids, c.kept = append(c.ids, id), append(c.kept, args[0].(workflows.FlowVersionInput))
	return nil, nil
}

// A version costs one call a day, and what fails is retried by the next run.
func TestAFlowIsKeptOncePerDayAndVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := loadFlow(t)
		c := &keepingClient{err: errors.New("the server is away")}
		versions := NewFlowVersions(c, "q")
		require.ErrorContains(t, versions.Keep(t.Context(), f), "the server is away")
		c.err = nil
		for range 3 {
			require.NoError(t, versions.Keep(t.Context(), f))
		}
		require.Equal(t, []string{"flow/" + f.Name + "/" + f.Version}, c.ids)
		files, err := flow.UnpackFiles(c.kept[0].Files)
		require.NoError(t, err)
		require.Equal(t, f.Files, files)

		edited := *f
		edited.Version = "000000000000"
		require.NoError(t, versions.Keep(t.Context(), &edited))
		require.Len(t, c.ids, 2)
		time.Sleep(24 * time.Hour)
		require.NoError(t, versions.Keep(t.Context(), f))
		require.Len(t, c.ids, 3, "it is still in use")
	})
}

// A run whose flow's text can't be kept goes on, and says so.
func TestLoadFlowSaysWhatIsNotKept(t *testing.T) {
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"kept", "", nil},
		{"refused", "could not be kept for starter flow show: refused", errors.New("refused")},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Source: &fakeSource{}, Versions: NewFlowVersions(&keepingClient{err: c.err}, "q")}
			value, err := environment(a).ExecuteActivity(workflows.LoadFlowName, workflows.LoadFlowParams{Flow: testFlow})
			require.NoError(t, err)
			var result workflows.LoadFlowResult
			require.NoError(t, value.Get(&result))
			require.Equal(t, c.want == "", result.NotKept.IsZero())
			require.True(t, strings.HasSuffix(result.NotKept.String(), c.want), result.NotKept)
		})
	}
}

// Tables that are too large are named each time.
func TestAFlowIsKeptWithoutTablesThatAreTooLarge(t *testing.T) {
	f := *loadFlow(t)
	var noise strings.Builder
	for i := uint64(1); noise.Len() < 4<<20; i = i*6364136223846793005 + 1442695040888963407 {
		noise.WriteByte(' ' + byte(i>>33)%95)
	}
	f.Files = append(f.Files, flow.File{Name: "tables/huge.csv", Text: noise.String()})
	versions := NewFlowVersions(&keepingClient{}, "q")
	for range 2 {
		require.ErrorContains(t, versions.Keep(t.Context(), &f), "without tables that are too large: tables/huge.csv")
	}
}
