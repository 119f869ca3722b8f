package testkit

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/devserver"
)

const taskQueue = "testkit"

var shop = temporal.NewSearchAttributeKeyKeyword("Shop")

// moveTo changes its search attribute to the shop.
func moveTo(ctx workflow.Context, to string) error {
	return workflow.UpsertTypedSearchAttributes(ctx, shop.ValueSet(to))
}

// Calls to a new namespace succeed at the first attempt; only lists, which lag, are
// repeated.
func TestNamespaceWorksAtOnce(t *testing.T) {
	for _, name := range []string{"one", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, namespace := shared.Namespace(t)
			c := Dial(t, address, namespace)
			w := worker.New(c, taskQueue, worker.Options{})
			w.RegisterWorkflow(moveTo)
			require.NoError(t, w.Start())
			t.Cleanup(w.Stop)
			requireListed := func(shop string) {
				Wait(t, "the run in shop %s is listed", func() bool {
					listed, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "Shop = '" + shop + "'"})
					require.NoError(t, err)
					return len(listed.Executions) == 1
				}, shop)
			}
			began := temporal.NewSearchAttributes(shop.ValueSet("old"))

			run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, TypedSearchAttributes: began}, moveTo, "new")
			require.NoError(t, err)
			require.NoError(t, run.Get(t.Context(), nil))
			requireListed("new")

			_, err = c.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
				ID: "schedule", TriggerImmediately: true,
				Action: &client.ScheduleWorkflowAction{ID: "scheduled", TaskQueue: taskQueue, TypedSearchAttributes: began, Workflow: moveTo, Args: []any{"next"}},
			})
			require.NoError(t, err)
			requireListed("next")
		})
	}
}

func TestStartTemporalIsOnesOwn(t *testing.T) {
	address, _ := shared.Namespace(t)
	var own *devserver.Server
	t.Run("test", func(t *testing.T) {
		own = StartTemporal(t, devserver.Options{})
		require.NotEqual(t, address, own.Address)
		Dial(t, own.Address, own.Namespace)
	})
	<-own.Done()
}

func TestNamespaceName(t *testing.T) {
	for _, test := range []struct{ name, test, want string }{
		{"a test", "TestSync", "TestSync-R"},
		{"a part of one", "TestSync/two_days#01", "TestSync-two_days-01-R"},
		{"other letters", "TestSync/盘点", "TestSync----R"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, namespaceName(test.test, "R"))
		})
	}
}
