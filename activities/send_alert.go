package activities

import (
	"context"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/robot"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Robot is what is needed of a robot; [*robot.Robot] implements it.
type Robot interface {
	Send(ctx context.Context, notice alert.Notice) (robot.Answer, error)
}

// Robots are the robots of all flows, by the names of the flow and of the robot, which is
// the environment variable of its address.
type Robots map[string]map[string]Robot

// SendAlert sends a message to one of the flow's robots and returns the robot's answer. It
// sends none about a disabled flow: its runs do not report any more, so its watch would go
// on with what it was told last.
func (a *Activities) SendAlert(ctx context.Context, params workflows.SendAlertParams) (robot.Answer, error) {
	f := a.Flows[params.Notice.Flow]
	if f != nil && !f.Enabled {
		return robot.Answer{}, toTemporal(&fault.Error{
			Class:  fault.Final,
			Reason: workflows.FlowDisabled,
			Err:    text.Errorf("flow %s is disabled and sends no messages", params.Notice.Flow),
			Advice: text.New("Nothing to do: once it is enabled, the next incremental run starts them anew"),
		})
	}
	r, ok := a.Robots[params.Notice.Flow][params.Robot]
	if !ok {
		return robot.Answer{}, toTemporal(&fault.Error{
			Class:  fault.Final,
			Reason: workflows.UnknownRobot,
			Err:    text.Errorf("flow %s has no robot %s", params.Notice.Flow, params.Robot),
			Advice: text.New("Nothing to do if the alerts of the flow file were changed"),
		})
	}
	if f != nil {
		params.Notice.Company = f.Company
	}
	answer, err := r.Send(ctx, params.Notice)
	return answer, toTemporal(err)
}
