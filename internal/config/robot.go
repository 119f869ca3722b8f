package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Robot is a robot of a group chat. Printed, logged or marshalled it shows
// neither its address, which holds its key, nor its secret.
type Robot struct {
	URL string
	// Secret is empty for a robot without.
	Secret string
}

// LoadRobot reads a robot from the variables that a flow names, or
// from the files that these with _FILE name. An empty secretFrom is a robot without
// a secret. The error joins a [Problem] for each that is wrong.
func (e Environment) LoadRobot(urlFrom, secretFrom string) (Robot, error) {
	var problems []error
	read := func(name string, mistake func(value string) (zh, en string), expectedZH, expectedEN, example string) string {
		value, problem := e.readSecret(name)
		if zh, en := mistake(value); problem == nil && zh != "" {
			problem = &Problem{Name: name, WrongZH: zh, WrongEN: en, ExpectedZH: expectedZH, ExpectedEN: expectedEN, Example: example}
		}
		if problem != nil {
			problems = append(problems, problem)
		}
		return value
	}
	r := Robot{URL: read(urlFrom, robotAddress,
		"流程 alerts 里机器人的完整 Webhook 地址", "the full webhook address of the robot in the flow's alerts",
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…")}
	if secretFrom != "" {
		r.Secret = read(secretFrom, robotSecret,
			"流程 alerts 里机器人的签名密钥", "the secret with which messages to the robot in the flow's alerts are signed", "SEC0123456789abcdef")
	}
	return r, errors.Join(problems...)
}

// robotSecret says what is wrong with a secret, in both languages.
func robotSecret(value string) (zh, en string) {
	switch {
	case value == "":
		return "没有设置", "It is not set"
	case strings.TrimSpace(value) != value:
		return "首尾有空白字符", "There is white space around it"
	}
	return "", ""
}

// robotAddress says what is wrong with an address, in both languages.
func robotAddress(value string) (zh, en string) {
	parsed, err := url.Parse(value)
	switch {
	case value == "":
		return "没有设置", "It is not set"
	case strings.TrimSpace(value) != value:
		return "首尾有空白字符", "There is white space around it"
	case err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		return "不是完整的网址", "It is not a full address"
	case parsed.User != nil || parsed.Fragment != "":
		return "不能带用户名、密码或片段", "It must have no user, password or fragment"
	case parsed.Scheme == "http" && !isPrivate(parsed.Hostname()):
		return "公网上必须用 https，地址里的密钥不能明文传输", "Over the internet it must be https: the key in it must not travel in clear text"
	}
	return "", ""
}

// String masks the address and the secret.
func (r Robot) String() string {
	return fmt.Sprintf("{URL:%s Secret:%s}", masked(r.URL), masked(r.Secret))
}

// GoString is String, for %#v.
func (r Robot) GoString() string { return r.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (r Robot) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
