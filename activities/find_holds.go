package activities

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// Holds is what is needed of the holds; [NewHolds] implements it.
type Holds interface {
	// On gives the holds of a flow that are on, or with "" that of the task queue alone. An error says that this is not known.
	On(ctx context.Context, taskQueue, flow string) ([]contract.Hold, error)
}

// NewHolds looks holds up through a client that decrypts memos.
func NewHolds(c client.Client) Holds { return holdWorkflows{c} }

type holdWorkflows struct{ client client.Client }

func (h holdWorkflows) On(ctx context.Context, taskQueue, flow string) ([]contract.Hold, error) {
	if flow == "" {
		return visibility.Holds(ctx, h.client, taskQueue)
	}
	return visibility.Holds(ctx, h.client, taskQueue, flow)
}

// FindHolds looks which holds of a flow are on. It fails if that can't be told.
func (a *Activities) FindHolds(ctx context.Context, scope workflows.HoldScope) (workflows.FindHoldsResult, error) {
	holds, err := a.holds(ctx, scope.Flow)
	return workflows.FindHoldsResult{Holds: holds}, err
}

func (a *Activities) holds(ctx context.Context, flow string) ([]contract.Hold, error) {
	if a.Holds == nil {
		return nil, nil
	}
	return a.Holds.On(ctx, activity.GetInfo(ctx).TaskQueue, flow)
}
