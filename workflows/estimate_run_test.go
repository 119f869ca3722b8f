package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/contract"
)

func estimate(world *fakeWorld, input SyncFlowInput) (e Estimate, err error) {
	env := windowEnvironment(world)
	env.SetStartTime(at("2024-03-02 00:00:00"))
	env.ExecuteWorkflow(EstimateRunName, input)
	if err := env.GetWorkflowError(); err != nil {
		return e, err
	}
	err = env.GetWorkflowResult(&e)
	return e, err
}

// The windows that are counted lie over the whole range, and the others are taken to have
// as many orders. How long the run takes is told by whatever is slower.
func TestEstimateRunSaysWhatTheRunWouldDo(t *testing.T) {
	day := at("2024-03-01 00:00:00")
	for _, c := range []struct {
		name    string
		to      string
		count   func(hour int) int
		change  func(*Plan)
		want    Estimate // but for its range
		counted []int    // hours
	}{
		{"one window", "00:59:59", func(int) int { return 120 }, nil,
			Estimate{Windows: 1, Orders: 120, Counted: 1, Calls: 1 + 4, Duration: time.Second}, []int{0}},
		{"no order", "09:59:59", func(int) int { return 0 }, nil,
			Estimate{Windows: 10, Orders: 0, Counted: 5, Calls: 10, Duration: 2 * time.Second}, []int{0, 2, 4, 6, 8}},
		{"as many windows as are counted", "04:59:59", func(hour int) int { return hour }, nil,
			Estimate{Windows: 5, Orders: 10, Counted: 5, Calls: 5, Duration: time.Second}, []int{0, 1, 2, 3, 4}},
		{"more windows, the last one shorter", "11:30:00", func(hour int) int { return 1000 }, nil,
			Estimate{Windows: 12, Orders: 12_000, Counted: 5, Calls: 12 + 480, Duration: 98400 * time.Millisecond}, []int{0, 2, 4, 7, 9}},
		{"Kingdee is slower than the source", "09:59:59", func(int) int { return 1000 }, func(plan *Plan) { plan.CallsPerSecond = 100 },
			Estimate{Windows: 10, Orders: 10_000, Counted: 5, Calls: 410, Duration: 75 * time.Second}, []int{0, 2, 4, 6, 8}},
		{"a source without a limit", "00:59:59", func(int) int { return 0 }, func(plan *Plan) { plan.CallsPerSecond = 0 },
			Estimate{Windows: 1, Counted: 1, Calls: 1}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.plan.PageSize, world.plan.CallsPerSecond, world.plan.Sessions = 50, 5, 4
			if c.change != nil {
				c.change(&world.plan)
			}
			hour := func(window Window) int { return int(window.From.Sub(day) / time.Hour) }
			world.count = func(window Window) (int, error) { return c.count(hour(window)), nil }
			input := handRange("2024-03-01 00:00:00", "2024-03-01 "+c.to)
			got, err := estimate(world, input)
			require.NoError(t, err)
			require.Equal(t, input.Range.String(), got.Range.String())
			got.Range = Window{}
			require.Equal(t, c.want, got)
			var counted []int
			for _, window := range world.counted {
				counted = append(counted, hour(window))
				require.LessOrEqual(t, window.To.Sub(window.From), time.Hour-time.Second)
			}
			require.ElementsMatch(t, c.counted, counted)
			require.Empty(t, world.fetches, "it does nothing")
		})
	}
}

// The range is the one that the run would work out.
func TestEstimateRunOfAnIncrementalRun(t *testing.T) {
	since := at("2024-03-01 12:00:00")
	for _, c := range []struct {
		name    string
		change  func(*Plan)
		windows int
		counted int
		to      string
	}{
		{"by time", func(*Plan) {}, 12, 5, "2024-03-01 23:55:00"},
		{"of a flow that does not run by itself", func(plan *Plan) { plan.Enabled = false }, 12, 5, "2024-03-01 23:55:00"},
		{"by row versions, which nobody counts", func(plan *Plan) {
			plan.Cursor, plan.SinceRowVersion = contract.CursorRowVersion, new(int64)
		}, 1, 0, "2024-03-01 23:55:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			c.change(&world.plan)
			got, err := estimate(world, SyncFlowInput{Flow: "refund_to_return", Since: &since})
			require.NoError(t, err)
			require.Equal(t, c.windows, got.Windows)
			require.Equal(t, at(c.to).UTC(), got.Range.To.UTC())
			require.Len(t, world.counted, c.counted)
		})
	}
}

func TestEstimateRunFailsAsTheRunWould(t *testing.T) {
	for _, c := range []struct {
		name   string
		input  SyncFlowInput
		count  error
		reason string
	}{
		{"no point to start from", SyncFlowInput{}, nil, WatermarkUnknown},
		{"no such grain", SyncFlowInput{Grain: "pages", Range: tenWindows.Range}, nil, UnknownGrain},
		{"a rate that can't be", SyncFlowInput{Rate: Rate{InFlight: -1}, Range: tenWindows.Range}, nil, UnknownRate},
		{"the source can't be asked", tenWindows, temporal.NewNonRetryableApplicationError("签名错误", "bad_signature", nil), "bad_signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(4)
			world.count = func(Window) (int, error) { return 0, c.count }
			_, err := estimate(world, c.input)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
		})
	}
}
