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
		takes int64
		// taken is how much is under way after each second.
		taken []int64
	}{
		{"holds what is more than its size", []int{2, 2, 2}, 1, []int64{2, 2, 2}},
		{"grows", []int{1, 3, 4}, 1, []int64{1, 3, 4}},
		{"takes nothing away when it shrinks", []int{3, 1, 3}, 1, []int64{3, 3, 3}},
		{"holds everything back at 0", []int{0, 0, 2}, 1, []int64{0, 0, 2}},
		{"takes several at a time", []int{5, 5, 6}, 2, []int64{4, 4, 6}},
		{"takes what is larger than itself alone", []int{0, 3, 3}, 5, []int64{0, 5, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			size, over := 0, false
			var taken []int64
			env := newEnvironment()
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				l := newLimit(func() int { return size }, func() bool { return over })
				begun := workflow.NewWaitGroup(ctx)
				for range 10 {
					begun.Add(1)
					workflow.Go(ctx, func(ctx workflow.Context) {
						defer begun.Done()
						if err := l.Acquire(ctx, c.takes); err == nil && over {
							l.Release(c.takes)
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
		return l.Acquire(ctx, 1)
	})
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
}
