package workflows

import (
	"go.temporal.io/sdk/workflow"
)

// AccountsMemo is the memo of an Accounts workflow that holds the accounts.
const AccountsMemo = "accounts"

// AccountsID is the id of the workflow that keeps the accounts of a task queue.
func AccountsID(taskQueue string) string { return "accounts/" + taskQueue }

// Accounts keeps in its memo whose orders the workers of a task queue read, and into whose
// books they go. It does nothing but run until it is cancelled, because the server deletes a
// workflow some time after its end. Reading the memo needs no worker.
func Accounts(ctx workflow.Context) error {
	ctx.Done().Receive(ctx, nil)
	return ctx.Err()
}
