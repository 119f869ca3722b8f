package activities

import (
	"context"
	"fmt"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/robot"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Robot is what is needed of a robot; [*robot.Robot] has it.
type Robot interface {
	Send(ctx context.Context, notice alert.Notice) (robot.Answer, error)
}

// Robots are the robots of all flows, by the flow's name and the robot's, which
// is the environment variable of its address.
type Robots map[string]map[string]Robot

// SendAlert sends a message to one of the flow's robots. It returns what the
// robot answered. Of a flow that is disabled nobody is told: its runs don't report
// any more, so that its watch would go on with what it heard last.
func (a *Activities) SendAlert(ctx context.Context, params workflows.SendAlertParams) (robot.Answer, error) {
	if f := a.Flows[params.Notice.Flow]; f != nil && !f.Enabled {
		return robot.Answer{}, toTemporal(&fault.Error{
			Class:   fault.Final,
			Reason:  workflows.FlowDisabled,
			Message: fmt.Sprintf("流程 %[1]s 已停用，不再通知。 Flow %[1]s is disabled, and nobody is told of it", params.Notice.Flow),
			Advice:  text.Literal("不必处理；启用后的下一次自动运行会重新开始。 Nothing is to be done: the next incremental run after it is enabled begins anew"),
		})
	}
	r, ok := a.Robots[params.Notice.Flow][params.Robot]
	if !ok {
		return robot.Answer{}, toTemporal(&fault.Error{
			Class:   fault.Final,
			Reason:  workflows.UnknownRobot,
			Message: fmt.Sprintf("流程 %[1]s 没有机器人 %[2]s。 Flow %[1]s has no robot %[2]s", params.Notice.Flow, params.Robot),
			Advice:  text.Literal("流程文件的 alerts 改过时不必处理。 Nothing is to be done if the alerts of the flow file were changed"),
		})
	}
	answer, err := r.Send(ctx, params.Notice)
	return answer, toTemporal(err)
}
