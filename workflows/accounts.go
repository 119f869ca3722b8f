package workflows

import (
	"go.temporal.io/sdk/workflow"
)

// AccountsMemo is the memo of an Accounts workflow that holds the accounts.
const AccountsMemo = "accounts"

// AccountsID is the workflow that keeps the accounts of a task queue.
func AccountsID(taskQueue string) string { return "accounts/" + taskQueue }

// Accounts keeps in its memo whose orders the workers of a task queue read, and into
// whose books they go. It does nothing but run, for as long as it is not cancelled: a
// workflow that has ended is forgotten. Nobody needs a worker to read it.
func Accounts(ctx workflow.Context) error {
	ctx.Done().Receive(ctx, nil)
	return ctx.Err()
}
