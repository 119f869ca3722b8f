package workflows

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/alert"
)

// chat stands in for the robots and keeps what they are sent.
type chat struct {
	mu      sync.Mutex
	notices []alert.Notice
	// refuse says why a robot does not take a message.
	refuse func(robot string) error
	robots []string // that took a message
	// counts are those of any day, unless countErr is why they can't be read.
	counts   alert.Counts
	countErr error
	days     []CountDayParams // that were counted
	// prepare prepares each watch.
	prepare []func(*testsuite.TestWorkflowEnvironment)
}

func (c *chat) countDay(_ context.Context, params CountDayParams) (alert.Counts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.days = append(c.days, params)
	return c.counts, c.countErr
}

func (c *chat) register(env *testsuite.TestWorkflowEnvironment) {
	Register(env)
	env.RegisterActivityWithOptions(c.sendAlert, activity.RegisterOptions{Name: SendAlertName})
	env.RegisterActivityWithOptions(c.countDay, activity.RegisterOptions{Name: CountDayName})
	for _, p := range c.prepare {
		p(env)
	}
}

func (c *chat) sendAlert(_ context.Context, params SendAlertParams) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The same message goes to several robots, and is retried.
	if !slices.ContainsFunc(c.notices, func(n alert.Notice) bool { return reflect.DeepEqual(n, params.Notice) }) {
		c.notices = append(c.notices, params.Notice)
	}
	if c.refuse != nil {
		if err := c.refuse(params.Robot); err != nil {
			return err
		}
	}
	c.robots = append(c.robots, params.Robot)
	return nil
}

// told lists the messages: so many minutes after the start, what is wrong and,
// with a -, what is well again, that it is held or released; or that it is the summary of a day.
func (c *chat) told(start time.Time) []string {
	var lines []string
	for _, notice := range c.notices {
		var parts []string
		if notice.Summary != nil {
			parts = append(parts, "summary of "+notice.Summary.Day)
		}
		for _, trouble := range notice.Firing {
			parts = append(parts, string(trouble.Cause))
		}
		for _, trouble := range notice.Resolved {
			parts = append(parts, "-"+string(trouble.Cause))
		}
		for _, hold := range notice.Holds {
			if hold.Released == nil {
				parts = append(parts, "held")
			} else {
				parts = append(parts, "released")
			}
		}
		lines = append(lines, fmt.Sprintf("%d %s", int(notice.At.Sub(start).Minutes()), strings.Join(parts, " ")))
	}
	return lines
}

// start is when every watch of these tests begins.
var start = at("2024-03-01 12:00:00")

// run is the report of a run that ends so many minutes after the start. Its watermark is 5
// minutes behind its end.
func run(minute int, change ...func(*RunReport)) RunReport {
	ended := start.Add(time.Duration(minute) * time.Minute)
	watermark := ended.Add(-5 * time.Minute)
	report := RunReport{
		WorkflowID: fmt.Sprintf("refund_to_return-%d", minute), RunID: fmt.Sprint(minute),
		EndedAt: ended, Watermark: &watermark, Saved: 1, Settings: testAlerts,
	}
	for _, c := range change {
		c(&report)
	}
	return report
}

func failing(report *RunReport) {
	report.Failed, report.Saved = "bad_signature", 0
	watermark := start.Add(-5 * time.Minute)
	report.Watermark = &watermark
}

func parking(newly, waiting int) func(*RunReport) {
	return func(report *RunReport) {
		if newly > 0 {
			report.NewlyParked = map[string]int{"unknown_material": newly}
		}
		report.Waiting = waiting
	}
}

// sweeping is a sweep that found so many orders. It does not know the watermark.
func sweeping(found int, failed string) func(*RunReport) {
	return func(report *RunReport) {
		report.Sweep, report.Found, report.Failed, report.Saved, report.Watermark = true, found, failed, found, nil
		report.RunID += " sweep"
	}
}

// reconciling is a daily reconciliation; nil agrees. It does not know the watermark.
func reconciling(differences map[string]int, failed string) func(*RunReport) {
	return func(report *RunReport) {
		report.Reconciliation = &alert.Reconciliation{From: "2024-02-27", To: "2024-02-29", Differences: differences, Failed: failed}
		report.Watermark, report.Saved = nil, 0
		report.RunID += " reconciliation"
	}
}

// dailyAt is a flow with a daily summary.
func dailyAt(clock string) func(*RunReport) {
	at, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return func(report *RunReport) {
		report.Settings.DailyAt = new(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	}
}

func savingNothing(report *RunReport) { report.Saved = 0 }

// watchUntil has a watch see the reports and cancels it after so many minutes.
// It returns what the watch knew at the end.
func watchUntil(t require.TestingT, c *chat, minutes int, reports ...RunReport) WatchFlowState {
	return watchOn(t, c, start, nil, minutes, reports...)
}

// watchOn is watchUntil for a watch that begins, or goes on, at a time.
func watchOn(t require.TestingT, c *chat, begun time.Time, carried *WatchFlowState, minutes int, reports ...RunReport) WatchFlowState {
	env := newEnvironment()
	env.SetStartTime(begun)
	c.register(env)
	for _, report := range reports {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(RunSignal, report) }, report.EndedAt.Sub(begun))
	}
	var state WatchFlowState
	env.RegisterDelayedCallback(func() {
		value, err := env.QueryWorkflow(ProgressQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(&state))
		env.CancelWorkflow()
	}, time.Duration(minutes)*time.Minute+30*time.Second)
	env.ExecuteWorkflow(WatchFlowName, WatchFlowInput{Flow: "refund_to_return", Title: "test", Carried: carried})
	require.True(t, env.IsWorkflowCompleted())
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
	return state
}

// every10 gives a run each ten minutes between two minutes, both included.
func every10(from, to int, change ...func(*RunReport)) []RunReport {
	var reports []RunReport
	for minute := from; minute <= to; minute += 10 {
		reports = append(reports, run(minute, change...))
	}
	return reports
}

func TestWatchFlowTells(t *testing.T) {
	for _, c := range []struct {
		name    string
		minutes int
		reports []RunReport
		want    []string
	}{
		{"nothing while all is well", 300, every10(0, 300), nil},
		{"a failed run at once, the next ones an hour later, and that it is over", 200,
			slices.Concat(every10(10, 80, failing), every10(90, 190)),
			// The watermark stays at -5, and an hour later is over its limit.
			[]string{"10 run_failed", "55 lag_over_limit", "70 run_failed", "90 -run_failed -lag_over_limit"}},
		{"nothing of a failure between two messages that is over before the second", 120,
			slices.Concat([]RunReport{run(0, failing), run(10), run(20, failing)}, every10(30, 120)),
			[]string{"0 run_failed", "10 -run_failed"}},
		{"parked orders once, new ones after the interval, and that none waits", 150,
			slices.Concat([]RunReport{run(0, parking(2, 2)), run(10, parking(0, 2)), run(20, parking(1, 3))}, every10(30, 90, parking(0, 3)), every10(100, 150, parking(0, 0))),
			[]string{"0 orders_parked", "60 orders_parked", "100 -orders_parked"}},
		{"nothing of orders that waited before the watch began", 60, every10(0, 60, parking(0, 7)), nil},
		{"that no bill was saved, each hour as long as it lasts", 24*60 + 130,
			slices.Concat([]RunReport{run(0)}, every10(10, 24*60+70, savingNothing), every10(24*60+80, 24*60+130)),
			[]string{"1440 nothing_synced", "1500 nothing_synced", "1520 -nothing_synced"}},
		{"that nobody runs any more", 200, []RunReport{run(0), run(10)},
			[]string{"65 lag_over_limit", "125 lag_over_limit", "185 lag_over_limit"}},
		{"several causes in one message", 20, []RunReport{run(0, failing, parking(3, 3)), run(10)},
			[]string{"0 run_failed orders_parked", "10 -run_failed -orders_parked"}},
		{"what a sweep found, and that the next found nothing", 90,
			slices.Concat(every10(0, 90), []RunReport{run(5, sweeping(0, "")), run(15, sweeping(2, "")), run(75, sweeping(0, ""))}),
			[]string{"15 sweep_found", "75 -sweep_found"}},
		{"that a sweep did not come to its end, which no other run mends", 60,
			slices.Concat(every10(0, 60), []RunReport{run(15, sweeping(0, "bad_signature"))}), []string{"15 sweep_found"}},
		{"of orders that a sweep parked", 30,
			slices.Concat([]RunReport{run(0), run(5, sweeping(1, ""), parking(1, 1))}, every10(10, 30, parking(0, 1))),
			[]string{"5 orders_parked sweep_found"}},
		{"of differences, and that the next reconciliation agrees", 180,
			slices.Concat(every10(0, 180), []RunReport{run(5, reconciling(nil, "")), run(15, reconciling(map[string]int{"missing": 1}, "")), run(85, reconciling(map[string]int{"missing": 1}, "")), run(155, reconciling(nil, ""))}),
			[]string{"15 reconcile_differs", "85 reconcile_differs", "155 -reconcile_differs"}},
		{"that a reconciliation did not finish, and that the next one did and agrees", 90,
			slices.Concat(every10(0, 90), []RunReport{run(15, reconciling(nil, "bad_signature")), run(85, reconciling(nil, ""))}),
			[]string{"15 reconcile_differs", "85 -reconcile_differs"}},
		{"a reconciliation that is reported twice once", 90,
			slices.Concat(every10(0, 90), []RunReport{run(15, reconciling(map[string]int{"missing": 1}, "")), func() RunReport {
				again := run(80, reconciling(map[string]int{"missing": 1}, ""))
				again.RunID = "15 reconciliation"
				return again
			}()}),
			[]string{"15 reconcile_differs"}},
		{"nothing of the day before unless the flow wants that", 24 * 60, every10(0, 24*60), nil},
		{"each morning how the day before went", 48 * 60, every10(0, 48*60, dailyAt("09:00")),
			[]string{"1260 summary of 2024-03-01", "2700 summary of 2024-03-02"}},
		{"of the clock alone where there were only sweeps", 30, []RunReport{run(5, sweeping(1, ""))}, []string{"5 sweep_found"}},
		{"a report that comes twice once", 30, []RunReport{run(0), run(10, parking(1, 1)), func() RunReport {
			again := run(11, parking(1, 1))
			again.RunID = "10"
			return again
		}()}, []string{"10 orders_parked"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var robots chat
			watchUntil(t, &robots, c.minutes, c.reports...)
			require.Equal(t, c.want, robots.told(start))
		})
	}
}

func TestWatchFlowMergesWhatCameMeanwhile(t *testing.T) {
	var robots chat
	watchUntil(t, &robots, 100, run(0, failing, parking(1, 1)), run(10, failing, parking(2, 3)), run(20, failing, parking(4, 7)), run(30, failing, parking(0, 7)))
	var merged []alert.Trouble
	for _, notice := range robots.notices {
		if notice.At.Equal(start.Add(time.Hour)) {
			merged = notice.Firing
		}
	}
	require.Len(t, merged, 2)
	require.Equal(t, alert.Trouble{
		Cause: alert.RunFailed, Since: start.UTC(), FailedRuns: 3, Reason: "bad_signature", WorkflowID: "refund_to_return-30", RunID: "30",
	}, utc(merged[0]))
	require.Equal(t, alert.Trouble{Cause: alert.OrdersParked, Since: start.UTC(), Parked: map[string]int{"unknown_material": 6}, Waiting: 7}, utc(merged[1]))
}

func utc(t alert.Trouble) alert.Trouble {
	t.Since = t.Since.UTC()
	return t
}

func TestWatchFlowSaysSinceWhen(t *testing.T) {
	var robots chat
	watchUntil(t, &robots, 100, run(0), run(10))
	require.Len(t, robots.notices, 1)
	trouble := robots.notices[0].Firing[0]
	require.Equal(t, start.Add(5*time.Minute).UTC(), trouble.Last.UTC())
	require.Equal(t, 3600, trouble.LimitSeconds)
	require.Equal(t, "refund_to_return", robots.notices[0].Flow)
}

// A message that one robot does not take has reached the others; one that none
// took is told again after the interval, and is not followed by "well again".
func TestWatchFlowWhenRobotsDoNotTakeAMessage(t *testing.T) {
	broken := temporal.NewNonRetryableApplicationError("invalid webhook url", "robot_address", nil)
	two := func(report *RunReport) { report.Settings.Robots = []string{"A", "B"} }

	one := chat{refuse: func(robot string) error {
		if robot == "A" {
			return broken
		}
		return nil
	}}
	state := watchUntil(t, &one, 20, run(0, failing, two), run(10, two))
	require.Equal(t, []string{"0 run_failed", "10 -run_failed"}, one.told(start))
	require.Equal(t, []string{"B", "B"}, one.robots)
	require.Len(t, state.SendFailures, 1)
	require.Equal(t, "A: invalid webhook url", state.SendFailures[0].String())

	none := chat{refuse: func(string) error { return broken }}
	watchUntil(t, &none, 100, slices.Concat(every10(0, 40, failing, two), every10(50, 100, two))...)
	require.Equal(t, []string{"0 run_failed"}, none.told(start))
	none = chat{refuse: func(string) error { return broken }}
	watchUntil(t, &none, 70, every10(0, 50, failing)...)
	require.Equal(t, []string{"0 run_failed", "55 lag_over_limit", "60 run_failed"}, none.told(start))
	require.Equal(t, 6, none.notices[2].Firing[0].FailedRuns, "none of those is forgotten")
}

// While robots can't be reached, nothing that comes up is overlooked.
func TestWatchFlowLooksAgainAfterSendingForLong(t *testing.T) {
	attempts := 0
	robots := chat{}
	robots.refuse = func(string) error {
		if attempts++; attempts < 7 {
			return errors.New("no connection")
		}
		return nil
	}
	// Sending goes on from 54 until after 55, when the lag comes up.
	watchUntil(t, &robots, 80, run(0), run(54, failing))
	require.Equal(t, []string{"54 run_failed", "64 lag_over_limit"}, robots.told(start)[:2])
}

func TestWatchFlowEndsWithNobodyToTell(t *testing.T) {
	for name, reason := range map[string]string{"the flow names no robot any more": UnknownRobot, "the flow is disabled": FlowDisabled} {
		t.Run(name, func(t *testing.T) { requireWatchEnds(t, reason) })
	}
}

func requireWatchEnds(t *testing.T, reason string) {
	for _, c := range []struct {
		report RunReport
		want   string
	}{{run(0), "55 lag_over_limit"}, {run(0, dailyAt("12:30")), "30 summary of 2024-02-29"}} {
		env := newEnvironment()
		env.SetStartTime(start)
		robots := chat{refuse: func(string) error { return temporal.NewNonRetryableApplicationError("gone", reason, nil) }}
		robots.register(env)
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(RunSignal, c.report) }, 0)
		env.ExecuteWorkflow(WatchFlowName, WatchFlowInput{Flow: "refund_to_return"})
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, []string{c.want}, robots.told(start)[:1])
	}
}

// However often the watch continues as new, it knows what it has told and loses
// no report.
func TestWatchFlowContinuesAsNew(t *testing.T) {
	robots := &chat{}
	// No report comes at the very moment of a timer, as the test environment
	// would lose it with the run that the timer ends.
	var reports []RunReport
	for minute := 0; minute < 130; minute += 7 {
		if minute < 90 {
			reports = append(reports, run(minute, failing, dailyAt("13:15")))
		} else {
			reports = append(reports, run(minute, dailyAt("13:15")))
		}
	}
	input, begun, runs := WatchFlowInput{Flow: "refund_to_return", Title: "test"}, start, 0
	for {
		runs++
		env := newEnvironment()
		env.SetStartTime(begun)
		env.SetContinueAsNewSuggested(true)
		robots.register(env)
		for _, report := range reports {
			env.RegisterDelayedCallback(func() {
				reports = reports[1:]
				env.SignalWorkflow(RunSignal, report)
			}, report.EndedAt.Sub(begun))
		}
		if len(reports) == 0 {
			env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
		}
		env.ExecuteWorkflow(WatchFlowName, input)
		begun = env.Now()
		var again *workflow.ContinueAsNewError
		if !errors.As(env.GetWorkflowError(), &again) {
			require.True(t, temporal.IsCanceledError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
			break
		}
		input = WatchFlowInput{}
		require.NoError(t, decode(again, &input))
	}
	require.Greater(t, runs, 10)
	require.Equal(t, []string{"0 run_failed", "55 lag_over_limit", "60 run_failed", "75 summary of 2024-02-29", "91 -run_failed -lag_over_limit"}, robots.told(start))
}

// Whatever runs do: a cause is told of once an interval at most, each that was
// told of is followed by one "well again" when it is over, and none is forgotten.
func TestWatchFlowLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := AlertSettings{
			Robots:           []string{"A"},
			Interval:         time.Duration(rapid.IntRange(1, 90).Draw(t, "interval")) * time.Minute,
			NothingSyncedFor: time.Duration(rapid.IntRange(0, 120).Draw(t, "nothing synced for")) * time.Minute,
			LagLimit:         time.Duration(rapid.IntRange(10, 120).Draw(t, "lag limit")) * time.Minute,
		}
		minute := 0
		var reports []RunReport
		for range rapid.IntRange(1, 15).Draw(t, "runs") {
			report := run(minute)
			report.Settings = settings
			if rapid.Bool().Draw(t, "failed") {
				failing(&report)
			}
			report.Saved = rapid.IntRange(0, 1).Draw(t, "saved")
			parking(rapid.IntRange(0, 2).Draw(t, "newly parked"), rapid.IntRange(0, 2).Draw(t, "waiting"))(&report)
			reports = append(reports, report)
			minute += rapid.IntRange(1, 100).Draw(t, "minutes")
		}
		var robots chat
		end := start.Add(time.Duration(minute)*time.Minute + 30*time.Second)
		state := watchUntil(t, &robots, minute, reports...)

		for _, cause := range causes {
			var last time.Time
			told := false
			for _, notice := range robots.notices {
				is := func(trouble alert.Trouble) bool { return trouble.Cause == cause }
				if slices.ContainsFunc(notice.Firing, is) {
					require.False(t, !last.IsZero() && notice.At.Sub(last) < settings.Interval, "%s was told of at %s and %s", cause, last, notice.At)
					last, told = notice.At, true
				}
				if slices.ContainsFunc(notice.Resolved, is) {
					require.True(t, told, "%s is well again, but was not told of", cause)
					told = false
				}
			}
			c := state.Causes[cause]
			require.Equal(t, told, c.Told)
			require.False(t, told && !c.Active, "%s is over, and nobody says so", cause)
			require.False(t, c.Active && c.News && end.Sub(last) > settings.Interval, "%s is forgotten", cause)
		}
		require.Equal(t, end.Sub(*state.Watermark) >= settings.LagLimit, state.Causes[alert.LagOverLimit].Active)
		require.Equal(t, settings.NothingSyncedFor > 0 && end.Sub(state.LastSynced) >= settings.NothingSyncedFor, state.Causes[alert.NothingSynced].Active)
	})
}
