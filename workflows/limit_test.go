package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		// sizes are what the size becomes, second by second.
		sizes []int
		// taken is how much is under way after each second.
		taken []int
	}{
		{"holds what is more than its size", []int{2, 2, 2}, []int{2, 2, 2}},
		{"grows", []int{1, 3, 4}, []int{1, 3, 4}},
		{"takes nothing away when it shrinks", []int{3, 1, 3}, []int{3, 3, 3}},
		{"holds everything back at 0", []int{0, 0, 2}, []int{0, 0, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			size, over := 0, false
			var taken []int
			env := newEnvironment()
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				l := newLimit(func() int { return size }, func() bool { return over })
				begun := workflow.NewWaitGroup(ctx)
				for range 10 {
					begun.Add(1)
					workflow.Go(ctx, func(ctx workflow.Context) {
						defer begun.Done()
						if err := l.Acquire(ctx); err == nil && over {
							l.Release()
						}
					})
				}
				for _, size = range c.sizes {
					if err := workflow.Sleep(ctx, time.Second); err != nil {
						return err
					}
					taken = append(taken, l.taken)
				}
				held := l.taken
				over = true
				begun.Wait(ctx)
				if l.taken != held {
					return temporal.NewApplicationError("what was over kept a place", "test")
				}
				return nil
			})
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, c.taken, taken)
		})
	}
}

func TestLimitGivesWayToACancellation(t *testing.T) {
	env := newEnvironment()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		l := newLimit(func() int { return 0 }, func() bool { return false })
		return l.Acquire(ctx)
	})
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
}
