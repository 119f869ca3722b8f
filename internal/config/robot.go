package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"refundsync/internal/text"
)

// Robot is a robot of a group chat. Printed, logged or marshalled, it shows neither its
// URL, which contains a key, nor its secret.
type Robot struct {
	URL string
	// Secret is empty if the robot has none.
	Secret string
}

// LoadRobot reads a robot from the variables that a flow names, or from the files that
// the variables with _FILE name. secretFrom is empty for a robot without a secret. The
// error joins a [Problem] for each that is wrong.
func (e Environment) LoadRobot(urlFrom, secretFrom string) (Robot, error) {
	var problems []error
	read := func(name string, mistake func(value string) text.Text, expected text.Text, example string) string {
		value, problem := e.readSecret(name)
		if wrong := mistake(value); problem == nil && !wrong.IsZero() {
			problem = &Problem{Name: name, Wrong: wrong, Expected: expected, Example: example}
		}
		if problem != nil {
			problems = append(problems, problem)
		}
		return value
	}
	r := Robot{URL: read(urlFrom, robotAddress,
		text.New("the full webhook URL of the robot in the flow's alerts"),
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…")}
	if secretFrom != "" {
		r.Secret = read(secretFrom, robotSecret,
			text.New("the secret that signs messages to the robot in the flow's alerts"), "SEC0123456789abcdef")
	}
	return r, errors.Join(problems...)
}

// robotSecret says what is wrong with a secret; zero if nothing is.
func robotSecret(value string) text.Text {
	switch {
	case value == "":
		return text.New("it is not set")
	case strings.TrimSpace(value) != value:
		return text.New("it starts or ends with white space")
	}
	return text.Text{}
}

// robotAddress says what is wrong with a URL; zero if nothing is.
func robotAddress(value string) text.Text {
	parsed, err := url.Parse(value)
	switch {
	case value == "":
		return text.New("it is not set")
	case strings.TrimSpace(value) != value:
		return text.New("it starts or ends with white space")
	case err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		return text.New("it is not a full URL")
	case parsed.User != nil || parsed.Fragment != "":
		return text.New("it must have no user, password or fragment")
	case parsed.Scheme == "http" && !isPrivate(parsed.Hostname()):
		return text.New("it must be https over the internet, since the key in it must not be sent in clear text")
	}
	return text.Text{}
}

// String masks the URL and the secret.
func (r Robot) String() string {
	return fmt.Sprintf("{URL:%s Secret:%s}", masked(r.URL), masked(r.Secret))
}

// GoString is String, for %#v.
func (r Robot) GoString() string { return r.String() }

// MarshalText is String, for JSON and for what zap reflects.
func (r Robot) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
