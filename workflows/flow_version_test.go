package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// used sends a FlowVersion workflow its uses, so long after its start, and gives how it ended.
func used(t *testing.T, in FlowVersionInput, uses map[time.Duration]string, cancelAt time.Duration) (begun time.Time, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterWorkflowWithOptions(FlowVersion, workflow.RegisterOptions{Name: FlowVersionName})
	for after, program := range uses {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(UsedSignal, FlowVersionUse{Program: program}) }, after)
	}
	if cancelAt > 0 {
		env.RegisterDelayedCallback(env.CancelWorkflow, cancelAt)
	}
	begun = env.Now()
	env.ExecuteWorkflow(FlowVersionName, in)
	return begun, env.GetWorkflowError()
}

// The files outlive every run of the workflow, and so does when they were used.
func TestFlowVersionCarriesItsFilesOn(t *testing.T) {
	in := FlowVersionInput{Flow: "f", Title: "F", Version: "4be012d7a1c3", Files: []byte("packed")}
	begun, err := used(t, in, map[time.Duration]string{0: "v1", 24 * time.Hour: "v2", 72 * time.Hour: "v3"}, 0)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	require.Equal(t, FlowVersionName, next.WorkflowType.Name)
	var carried FlowVersionInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &carried))
	require.Equal(t, "v1", carried.Uses.FirstProgram)
	require.Equal(t, "v3", carried.Uses.LastProgram)
	require.WithinDuration(t, begun, carried.Uses.First, time.Minute)
	require.WithinDuration(t, begun.Add(72*time.Hour), carried.Uses.Last, time.Minute)
	uses := carried.Uses
	carried.Uses = FlowVersionUses{}
	require.Equal(t, in, carried)

	// Used no more, it is carried on as it was.
	carried.Uses = uses
	_, err = used(t, carried, nil, 0)
	require.ErrorAs(t, err, &next)
	var unchanged FlowVersionInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &unchanged))
	require.True(t, uses.Last.Equal(unchanged.Uses.Last))
	require.Equal(t, in.Files, unchanged.Files)
}

func TestFlowVersionEndsWhenItIsCancelled(t *testing.T) {
	_, err := used(t, FlowVersionInput{Flow: "f", Version: "4be012d7a1c3"}, nil, time.Hour)
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, err, &cancelled)
}
