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

// limitDelay is how long a robot that limits messages is left alone: all three
// vendors count by the minute.
const limitDelay = time.Minute

const (
	adviseAddress     = "请在群里打开机器人，重新复制它的 Webhook 地址到流程 alerts 里 url_from 所指的环境变量，然后重启 worker。 Copy the robot's webhook address anew into the environment variable that url_from names in the flow's alerts, then restart the worker."
	adviseSecurity    = "请核对机器人的安全设置：加签的密钥（secret_from 所指的环境变量）、关键词（每条消息都含 refundsync）、IP 白名单，以及本机时钟。 Check the robot's security settings: the secret (the environment variable that secret_from names), the keyword (every message holds refundsync), the list of IPs; and this machine's clock."
	adviseCertificate = "请检查本机的 CA 证书、时钟和代理。 Check this machine's CA certificates, clock and proxy."
	adviseSlower      = "一分钟后自动重试。 Tried again in a minute, by itself."
	adviseRetry       = "会自动重试；一直如此时，请检查网络和机器人。 Tried again by itself; if it lasts, check the network and the robot."
)

func failure(class fault.Class, reason, message, advice string) *fault.Error {
	return &fault.Error{Class: class, Reason: reason, Message: message, Advice: text.Literal(advice)}
}

// refusal is what a vendor's business code means.
type refusal struct {
	class          fault.Class
	reason, advice string
}

var (
	wrongAddress  = refusal{fault.Final, "robot_address", adviseAddress}
	wrongSecurity = refusal{fault.Final, "robot_security", adviseSecurity}
	wrongMessage  = refusal{fault.Final, "robot_message", ""}
	tooMany       = refusal{fault.RateLimited, "robot_call_limit", adviseSlower}
	// otherRefusal is for codes that are not known. The message was not taken, so
	// that another try does no harm.
	otherRefusal = refusal{fault.Retry, "robot_refused", adviseRetry}
)

func (r refusal) failure(code int, message string) error {
	f := failure(r.class, r.reason, message, r.advice)
	f.Code = strconv.Itoa(code)
	return f
}

// errcodeReply is how WeCom and DingTalk answer.
type errcodeReply struct {
	Errcode *int   `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// errcodeAnswer judges such a reply. One without errcode is none of the robot's:
// DingTalk's gateway throttles with one of its own, a proxy answers with HTML.
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
		return failure(fault.Retry, "robot_reply", "看不懂的回复，没有业务码。 Reply not understood: it has no business code.", adviseRetry)
	}
	return completed(httpfault.OfStatus(status))
}

// completed marks the reason as one of a robot, and adds the advice.
func completed(f *fault.Error) *fault.Error {
	switch {
	case f.Reason == httpfault.Certificate:
		f.Advice = text.Literal(adviseCertificate)
	case f.Reason == httpfault.CallLimit:
		f.Advice = text.Literal(adviseSlower)
	case f.Class == fault.Final:
		f.Advice = text.Literal(adviseAddress)
	default:
		f.Advice = text.Literal(adviseRetry)
	}
	f.Reason = "robot_" + f.Reason
	f.Err = nil // its words are in the message, which is cleaned of secrets
	return f
}

// connectionFailure is for a call without a whole reply.
func connectionFailure(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return completed(httpfault.OfConnection(err))
}
