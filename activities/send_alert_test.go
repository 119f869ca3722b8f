package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/robot"
	"refundsync/workflows"
)

// fakeRobot takes every message, or refuses it.
type fakeRobot struct {
	sent []alert.Notice
	err  error
}

func (r *fakeRobot) Send(_ context.Context, notice alert.Notice) (robot.Answer, error) {
	r.sent = append(r.sent, notice)
	return robot.Answer{Code: "0", Message: "ok"}, r.err
}

func sendAlert(robots Robots, name string) error {
	_, err := environment(&Activities{Robots: robots}).ExecuteActivity(workflows.SendAlertName,
		workflows.SendAlertParams{Robot: name, Notice: alert.Notice{Flow: testFlow, Test: true}})
	return err
}

func TestSendAlertSendsToTheRobotNamed(t *testing.T) {
	first, second := &fakeRobot{}, &fakeRobot{}
	robots := Robots{testFlow: {"A": first, "B": second}, "other": {"A": &fakeRobot{}}}
	require.NoError(t, sendAlert(robots, "B"))
	require.Empty(t, first.sent)
	require.Equal(t, []alert.Notice{{Flow: testFlow, Test: true}}, second.sent)
}

func TestSendAlertNamesTheCompany(t *testing.T) {
	f := loadFlow(t, func(f *flow.Flow) { f.Company = "north" })
	r := &fakeRobot{}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Robots: Robots{testFlow: {"A": r}}}
	_, err := environment(a).ExecuteActivity(workflows.SendAlertName, workflows.SendAlertParams{Robot: "A", Notice: alert.Notice{Flow: testFlow}})
	require.NoError(t, err)
	require.Equal(t, []alert.Notice{{Flow: testFlow, Company: "north"}}, r.sent)
}

func TestSendAlertTellsNobodyOfADisabledFlow(t *testing.T) {
	f := loadFlow(t, func(f *flow.Flow) { f.Enabled = false })
	r := &fakeRobot{}
	a := &Activities{Flows: flow.Flows{testFlow: f}, Robots: Robots{testFlow: {"A": r}}}
	_, err := environment(a).ExecuteActivity(workflows.SendAlertName, workflows.SendAlertParams{Robot: "A", Notice: alert.Notice{Flow: testFlow}})
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, workflows.FlowDisabled, application.Type())
	require.True(t, application.NonRetryable())
	require.Empty(t, r.sent)
}

func TestSendAlertFailsForGoodOrForAWhile(t *testing.T) {
	refused := &fault.Error{Class: fault.Final, Reason: "robot_address", Message: "invalid webhook url"}
	limited := &fault.Error{Class: fault.RateLimited, Reason: "robot_call_limit", Message: "send too fast", Delay: time.Minute}
	for _, c := range []struct {
		name, robot, reason string
		err                 error
		final               bool
		delay               time.Duration
	}{
		{"no such robot", "C", workflows.UnknownRobot, nil, true, 0},
		{"refused", "A", "robot_address", refused, true, 0},
		{"too many", "A", "robot_call_limit", limited, false, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := sendAlert(Robots{testFlow: {"A": &fakeRobot{err: c.err}}}, c.robot)
			var application *temporal.ApplicationError
			require.ErrorAs(t, err, &application)
			require.Equal(t, c.reason, application.Type())
			require.Equal(t, c.final, application.NonRetryable())
			require.Equal(t, c.delay, application.NextRetryDelay())
		})
	}
}
