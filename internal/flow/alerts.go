package flow

import "time"

// The kinds of robots that can be told, for Robot.Kind.
const (
	RobotWeCom    = "wecom"
	RobotDingTalk = "dingtalk"
	RobotFeishu   = "feishu"
	RobotWebhook  = "webhook"
)

// Alerts says who is told when something is wrong with the flow, and when.
type Alerts struct {
	// Robots are told. Without any, nobody is.
	Robots []Robot
	// Interval is the least time between two messages about one cause. Default:
	// 1 hour.
	Interval time.Duration
	// NothingSyncedFor is for how long no bill may be saved before somebody is
	// told; 0 never tells. Default: 24 hours.
	NothingSyncedFor time.Duration
	// DailyAt is the minute of the day, in Beijing time, at which the summary of the day
	// before is sent; nil for none.
	DailyAt *int
}

// Robot is a group chat's robot or a plain webhook. Its address and secret are in the
// worker's environment, under the variables named here.
type Robot struct {
	Kind string
	// URLFrom names the variable of the address, and tells the flow's robots
	// apart.
	URLFrom string
	// SecretFrom names the variable of the secret that signs messages, which robots of
	// kind RobotDingTalk and RobotFeishu can have; "" without one.
	SecretFrom string
}
