package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func TestAccountsRunsUntilItIsCancelled(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	begun := env.Now()
	env.RegisterDelayedCallback(env.CancelWorkflow, 365*24*time.Hour)
	env.ExecuteWorkflow(Accounts)
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, env.GetWorkflowError(), &cancelled)
	require.GreaterOrEqual(t, env.Now().Sub(begun), 365*24*time.Hour)
}
