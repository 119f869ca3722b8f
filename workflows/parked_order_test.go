package workflows

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"

	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

func parkedVersion(quantity, changedAt string) ParkedVersion {
	return ParkedVersion{
		PickVersion: "v1",
		Order:       contract.Order{ID: "70000", BillNumber: "70000", ChangedAt: at(changedAt), Fields: json.RawMessage(`{"r_qty":"` + quantity + `"}`)},
		Failure:     tally.Failure{ID: "70000", BillNumber: "70000", Reason: "malformed_value", Message: text.Literal("r_qty 不是数字")},
	}
}

// runParked runs a ParkedOrder workflow whose order can be saved as soon as
// savable says so.
func runParked(t *testing.T, world *fakeWorld, savable func(contract.Order) bool, prepare func(*testsuite.TestWorkflowEnvironment)) (ParkedOrderResult, error) {
	t.Helper()
	world.saveErr = func(order contract.Order) error {
		if savable(order) {
			return nil
		}
		return temporal.NewNonRetryableApplicationError("r_qty 不是数字", "malformed_value", nil)
	}
	env := windowEnvironment(world)
	prepare(env)
	env.ExecuteWorkflow(ParkedOrderName, ParkedOrderInput{Plan: world.plan, Version: parkedVersion("3件", "2024-03-01 08:00:00")})
	if err := env.GetWorkflowError(); err != nil {
		return ParkedOrderResult{}, err
	}
	var result ParkedOrderResult
	require.NoError(t, env.GetWorkflowResult(&result))
	return result, nil
}

func TestParkedOrderIDIsPrintableASCII(t *testing.T) {
	for id, want := range map[string]string{
		"70001":          "parked/f/70001",
		"TH-2024_03/1 a": "parked/f/TH-2024_03%2F1%20a",
		"退100%":          "parked/f/%E9%80%80100%25",
		"a\nb":           "parked/f/a%0Ab",
	} {
		require.Equal(t, want, ParkedOrderID("f", id))
	}
	// Law: no two orders share an id, and each fits Temporal's 1,000 bytes.
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(1, -1, 255)
		first, second := id.Draw(t, "first"), id.Draw(t, "second")
		flowName := strings.Repeat("f", 64)
		require.Equal(t, first == second, ParkedOrderID(flowName, first) == ParkedOrderID(flowName, second))
		require.Regexp(t, `^[!-~]{1,1000}$`, ParkedOrderID(flowName, first))
	})
}

func TestParkedOrderTriesAgainAtGrowingIntervals(t *testing.T) {
	world := newFakeWorld(0)
	var env *testsuite.TestWorkflowEnvironment
	var started time.Time
	result, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 4 }, func(e *testsuite.TestWorkflowEnvironment) {
		env, started = e, e.Now()
	})
	require.NoError(t, err)
	require.Nil(t, result.Discarded)
	require.Equal(t, 4, world.saves["70000"])
	require.GreaterOrEqual(t, env.Now().Sub(started), (10+20+40+80)*time.Minute)
}

func TestParkedOrderEndsWhenTheFlowLeavesItOut(t *testing.T) {
	world := newFakeWorld(0)
	world.leftOut = map[string]string{"70000": "仅退款"}
	result, err := runParked(t, world, func(contract.Order) bool { return true }, func(*testsuite.TestWorkflowEnvironment) {})
	require.NoError(t, err)
	require.Equal(t, "仅退款", result.LeftOut)
	require.Nil(t, result.Discarded)
}

func TestParkedWaitGrowsToItsBound(t *testing.T) {
	require.Equal(t, 10*time.Minute, ParkedWait(0))
	require.Equal(t, 80*time.Minute, ParkedWait(3))
	require.Equal(t, 12*time.Hour, ParkedWait(7))
	require.Equal(t, 12*time.Hour, ParkedWait(100_000))
}

func TestParkedOrderTriesAgainWhenTold(t *testing.T) {
	world := newFakeWorld(0)
	savable := false
	var env *testsuite.TestWorkflowEnvironment
	var started time.Time
	_, err := runParked(t, world, func(contract.Order) bool { return savable }, func(e *testsuite.TestWorkflowEnvironment) {
		env, started = e, e.Now()
		e.RegisterDelayedCallback(func() {
			savable = true
			e.SignalWorkflow(RetrySignal, nil)
		}, time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, 1, world.saves["70000"])
	require.Less(t, env.Now().Sub(started), 5*time.Minute)
}

func TestParkedOrderTakesANewerVersion(t *testing.T) {
	for _, c := range []struct {
		name    string
		version ParkedVersion
		within  time.Duration
	}{
		{"at once", parkedVersion("3", "2024-03-01 09:00:00"), 5 * time.Minute},
		// Saved only because the world accepts the old one in the end.
		{"not an older one", parkedVersion("3", "2024-03-01 07:00:00"), 0},
		{"not the same again", parkedVersion("3件", "2024-03-01 08:00:00"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			var env *testsuite.TestWorkflowEnvironment
			var started time.Time
			good := string(parkedVersion("3", "2024-03-01 09:00:00").Order.Fields)
			result, err := runParked(t, world, func(order contract.Order) bool {
				return string(order.Fields) == good || world.saves["70000"] == 2
			}, func(e *testsuite.TestWorkflowEnvironment) {
				env, started = e, e.Now()
				e.RegisterDelayedCallback(func() { e.SignalWorkflow(OrderSignal, c.version) }, time.Minute)
			})
			require.NoError(t, err)
			if c.within > 0 {
				require.Equal(t, good, string(result.Order.Fields))
				require.Less(t, env.Now().Sub(started), c.within)
			} else {
				require.NotEqual(t, good, string(result.Order.Fields))
				require.Equal(t, 2, world.saves["70000"])
			}
		})
	}
}

// A run that fails to save a version counts it as parked as soon as its signal is
// taken in, whatever becomes of the version at work.
func TestParkedOrderKeepsAVersionThatComesWhileItSaves(t *testing.T) {
	for _, c := range []struct {
		name    string
		leftOut bool
		version ParkedVersion
		saves   int
		left    string
	}{
		{"a later one", false, parkedVersion("3", "2024-03-01 09:00:00"), 2, `{"r_qty":"3"}`},
		{"a later one, of an order that was left out", true, parkedVersion("3", "2024-03-01 09:00:00"), 2, `{"r_qty":"3"}`},
		{"one without a time", false, ParkedVersion{PickVersion: "v1", Order: contract.Order{ID: "70000", BillNumber: "70000", Fields: json.RawMessage(`{"r_qty":"3"}`)}}, 2, `{"r_qty":"3"}`},
		{"an earlier one", false, parkedVersion("3", "2024-03-01 07:00:00"), 1, `{"r_qty":"3件"}`},
		{"the same", false, parkedVersion("3件", "2024-03-01 08:00:00"), 1, `{"r_qty":"3件"}`},
		{"another order's", false, ParkedVersion{Order: contract.Order{ID: "70001"}}, 1, `{"r_qty":"3件"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			if c.leftOut {
				world.leftOut = map[string]string{"70000": "仅退款"}
			}
			result, err := runParked(t, world, func(contract.Order) bool { return true }, func(e *testsuite.TestWorkflowEnvironment) {
				world.whileSaving = func() {
					world.whileSaving = nil
					e.SignalWorkflow(OrderSignal, c.version)
				}
			})
			require.NoError(t, err)
			require.Equal(t, c.saves, world.saves["70000"])
			require.JSONEq(t, c.left, string(result.Order.Fields))
			require.JSONEq(t, c.left, string(world.asked[len(world.asked)-1].Order.Fields))
		})
	}
}

// A later run may find that the order needs nothing: it has changed back to what its
// bill says, or is left out by now. The version that waits must not be booked then.
func TestParkedOrderEndsWhenALaterVersionIsResolved(t *testing.T) {
	settled := func(changedAt, leftOut string) ResolvedVersion {
		return ResolvedVersion{ChangedAt: at(changedAt), LeftOut: leftOut}
	}
	for _, c := range []struct {
		name    string
		signals map[string]any
		ends    bool
		leftOut string
	}{
		{"a later one has its bill", map[string]any{ResolvedSignal: settled("2024-03-01 09:00:00", "")}, true, ""},
		{"a later one is left out", map[string]any{ResolvedSignal: settled("2024-03-01 09:00:00", "已作废")}, true, "已作废"},
		{"the very one", map[string]any{ResolvedSignal: settled("2024-03-01 08:00:00", "")}, true, ""},
		{"an earlier one", map[string]any{ResolvedSignal: settled("2024-03-01 07:59:59", "")}, false, ""},
		{"one without a time", map[string]any{ResolvedSignal: ResolvedVersion{}}, false, ""},
		{"text", map[string]any{ResolvedSignal: "all of them"}, false, ""},
		{"a later one, and a still later one waits", map[string]any{
			ResolvedSignal: settled("2024-03-01 09:00:00", ""), OrderSignal: parkedVersion("3", "2024-03-01 10:00:00"),
		}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			result, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 3 }, func(e *testsuite.TestWorkflowEnvironment) {
				e.RegisterDelayedCallback(func() {
					for _, name := range []string{OrderSignal, ResolvedSignal} {
						if content, ok := c.signals[name]; ok {
							e.SignalWorkflow(name, content)
						}
					}
				}, time.Minute)
			})
			require.NoError(t, err)
			require.Nil(t, result.Discarded)
			require.Equal(t, c.leftOut, result.LeftOut)
			if c.ends {
				require.Zero(t, world.saves["70000"])
			} else {
				require.Equal(t, 3, world.saves["70000"])
			}
		})
	}
}

func TestParkedOrderCanBeDiscarded(t *testing.T) {
	world := newFakeWorld(0)
	var listed []temporal.SearchAttributes
	result, err := runParked(t, world, func(contract.Order) bool { return false }, func(e *testsuite.TestWorkflowEnvironment) {
		e.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
			listed = append(listed, args.Get(0).(temporal.SearchAttributes))
		}).Return(nil)
		e.RegisterDelayedCallback(func() {
			e.SignalWorkflow(DiscardSignal, Discard{By: "wang", Reason: "测试单 a test"})
		}, time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, []temporal.SearchAttributes{temporal.NewSearchAttributes(ReasonAttribute.ValueSet("discarded"))}, listed)
	require.Equal(t, &Discard{By: "wang", Reason: "测试单 a test"}, result.Discarded)
	require.Zero(t, world.saves["70000"])
}

// Its own attempts do not ask whether an order was discarded before: it is parked anew.
func TestParkedOrderIsSavedThoughDiscardedBefore(t *testing.T) {
	world := newFakeWorld(0)
	_, err := runParked(t, world, func(contract.Order) bool { return true }, func(*testsuite.TestWorkflowEnvironment) {})
	require.NoError(t, err)
	require.Len(t, world.asked, 1)
	require.Zero(t, world.asked[0].DiscardsAsOf)
}

func TestParkedOrderShowsItsReason(t *testing.T) {
	world := newFakeWorld(0)
	var state ParkedOrderState
	_, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 2 }, func(e *testsuite.TestWorkflowEnvironment) {
		e.RegisterDelayedCallback(func() {
			value, err := e.QueryWorkflow(ProgressQuery)
			require.NoError(t, err)
			require.NoError(t, value.Get(&state))
		}, 15*time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, 1, state.Attempts)
	require.Equal(t, "malformed_value", state.Version.Failure.Reason)
}

// An attempt under way when a signal comes loses neither.
func TestParkedOrderKeepsSignalsOverContinueAsNew(t *testing.T) {
	world := newFakeWorld(0)
	_, err := runParked(t, world, func(contract.Order) bool { return world.saves["70000"] == 2 }, func(e *testsuite.TestWorkflowEnvironment) {
		e.SetContinueAsNewSuggested(true)
		e.RegisterDelayedCallback(func() {
			world.whileSaving = func() { e.SignalWorkflow(RetrySignal, nil) }
			e.SignalWorkflow(RetrySignal, nil)
		}, time.Minute)
	})
	require.NoError(t, err, "it must not continue as new with a signal unread")
	require.Equal(t, 2, world.saves["70000"])
}

// Whatever comes as a signal, the order goes on waiting, is retried when it is
// due, and takes the good signal that comes afterwards.
func TestParkedOrderLeavesBadSignals(t *testing.T) {
	other := parkedVersion("9", "2024-03-01 10:00:00")
	other.Order.ID = "90000"
	for _, c := range []struct {
		name, signal string
		content      any
		// tries are the attempts that the signal brings about.
		tries int
	}{
		{"order: no content", OrderSignal, nil, 0},
		{"order: text", OrderSignal, "again", 0},
		{"order: a list", OrderSignal, []int{1}, 0},
		{"order: bytes", OrderSignal, []byte("\x00\xff"), 0},
		{"order: an empty object", OrderSignal, map[string]any{}, 0},
		{"order: fields that are no gzip", OrderSignal, map[string]any{"order": map[string]any{"id": "70000", "fields_gzip": "aGVsbG8="}}, 0},
		{"order: another order", OrderSignal, other, 0},
		{"settled: no content", ResolvedSignal, nil, 0},
		{"settled: bytes", ResolvedSignal, []byte("\x00\xff"), 0},
		{"discard: no content", DiscardSignal, nil, 0},
		{"discard: text", DiscardSignal, "please", 0},
		{"discard: without a reason", DiscardSignal, Discard{By: "wang"}, 0},
		{"discard: without a name", DiscardSignal, Discard{Reason: "测试单"}, 0},
		{"retry: with content", RetrySignal, map[string]any{"now": true}, 1},
		{"retry: bytes", RetrySignal, []byte("\x00\xff"), 1},
		{"an unknown signal", "refresh", "x", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := newFakeWorld(0)
			var afterBad int
			var held ParkedOrderState
			result, err := runParked(t, world, func(contract.Order) bool { return false }, func(e *testsuite.TestWorkflowEnvironment) {
				e.RegisterDelayedCallback(func() { e.SignalWorkflow(c.signal, c.content) }, time.Minute)
				e.RegisterDelayedCallback(func() {
					afterBad = world.saves["70000"]
					value, err := e.QueryWorkflow(ProgressQuery)
					require.NoError(t, err)
					require.NoError(t, value.Get(&held))
					_, err = e.QueryWorkflow("state")
					require.ErrorContains(t, err, "state", "a query that there is not")
				}, 2*time.Minute)
				e.RegisterDelayedCallback(func() {
					e.SignalWorkflow(OrderSignal, parkedVersion("3", "2024-03-01 09:00:00"))
					e.SignalWorkflow(DiscardSignal, Discard{By: "wang", Reason: "测试单"})
				}, 45*time.Minute)
			})
			require.NoError(t, err)
			require.Equal(t, c.tries, afterBad)
			require.Equal(t, "70000", held.Version.Order.ID)
			require.JSONEq(t, `{"r_qty":"3件"}`, string(held.Version.Order.Fields))
			require.GreaterOrEqual(t, world.saves["70000"], 2, "retried when it was due")
			require.Equal(t, "wang", result.Discarded.By)
			require.JSONEq(t, `{"r_qty":"3"}`, string(result.Order.Fields))
		})
	}
}
