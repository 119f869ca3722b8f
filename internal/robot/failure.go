package robot

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
)

// longestWait bounds what a robot asks for.
const longestWait = 10 * time.Minute

// limitDelay is the least wait after a robot refused a message as one too many: all three
// vendors count by the minute.
const limitDelay = time.Minute

var (
	adviseAddress     = text.New("In the group chat, open the robot and copy its webhook address into the environment variable that url_from names in the flow's alerts; then restart the worker.")
	adviseSecurity    = text.New("Check the robot's security settings: the secret (in the environment variable that secret_from names), the keyword (every message contains refundsync) and the IP allowlist; and this machine's clock.")
	adviseCertificate = text.New("Check this machine's CA certificates, clock and proxy.")
	adviseSlower      = text.New("It is retried in a minute.")
	adviseRetry       = text.New("It is retried; if it keeps failing, check the network and the robot.")
)

func failure(class fault.Class, reason string, err error, advice text.Text) *fault.Error {
	return &fault.Error{Class: class, Reason: reason, Err: err, Advice: advice}
}

// refusal is what a vendor's business code means.
type refusal struct {
	class  fault.Class
	reason string
	advice text.Text
}

var (
	wrongAddress  = refusal{fault.Final, "robot_address", adviseAddress}
	wrongSecurity = refusal{fault.Final, "robot_security", adviseSecurity}
	wrongMessage  = refusal{fault.Final, "robot_message", text.Text{}}
	tooMany       = refusal{fault.RateLimited, "robot_call_limit", adviseSlower}
	// otherRefusal is for unknown codes. The message was not delivered, so it can be
	// retried.
	otherRefusal = refusal{fault.Retry, "robot_refused", adviseRetry}
)

func (r refusal) failure(code int, message string) error {
	return &fault.Error{Class: r.class, Reason: r.reason, Code: strconv.Itoa(code), Message: message, Advice: r.advice}
}

// errcodeReply is how WeCom and DingTalk answer.
type errcodeReply struct {
	Errcode *int   `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// errcodeAnswer judges such a reply. One without errcode is not the robot's own: DingTalk's
// gateway throttles with a form of its own, a proxy answers with HTML.
func errcodeAnswer(status int, raw []byte, refusals map[int]refusal) (Answer, error) {
	var reply errcodeReply
	if err := json.Unmarshal(raw, &reply); err != nil || reply.Errcode == nil {
		return Answer{}, statusFailure(status)
	}
	return judge(status, *reply.Errcode, reply.Errmsg, refusals)
}

func judge(status, code int, message string, refusals map[int]refusal) (Answer, error) {
	if code == 0 && !succeeded(status) {
		return Answer{}, statusFailure(status)
	}
	if code == 0 {
		return Answer{Code: "0", Message: message}, nil
	}
	known, ok := refusals[code]
	if !ok {
		known = otherRefusal
	}
	return Answer{}, known.failure(code, message)
}

func succeeded(status int) bool { return status >= 200 && status <= 299 }

// statusFailure is for a reply without a business code.
func statusFailure(status int) error {
	if succeeded(status) {
		return failure(fault.Retry, "robot_reply", text.Errorf("the reply has no business code"), adviseRetry)
	}
	return completed(httpfault.OfStatus(status))
}

// completed marks the reason as a robot's, and adds the advice.
func completed(f *fault.Error) *fault.Error {
	switch {
	case f.Reason == httpfault.Certificate:
		f.Advice = adviseCertificate
	case f.Reason == httpfault.CallLimit:
		f.Advice = adviseSlower
	case f.Class == fault.Final:
		f.Advice = adviseAddress
	default:
		f.Advice = adviseRetry
	}
	f.Reason = "robot_" + f.Reason
	return f
}

// connectionFailure is for a call without a whole reply.
func connectionFailure(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	f := httpfault.OfConnection(err)
	// A message that is not retried is lost, and a proxy or a clock may be wrong for a
	// minute only.
	f.Class = fault.Retry
	return completed(f)
}
