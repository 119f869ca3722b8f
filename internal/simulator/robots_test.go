package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/alert"
	"refundsync/internal/fault"
	"refundsync/internal/robot"
	"refundsync/internal/simulator/chat"
	"refundsync/internal/simulator/faults"
)

// robotsOf returns robots set up as a worker does, from the environment.
func robotsOf(environment map[string]string) map[robot.Kind]robot.Config {
	return map[robot.Kind]robot.Config{
		robot.WeCom:    {Kind: robot.WeCom, URL: environment["WECOM_ROBOT_URL"]},
		robot.DingTalk: {Kind: robot.DingTalk, URL: environment["DINGTALK_ROBOT_URL"], Secret: environment["DINGTALK_ROBOT_SECRET"]},
		robot.Feishu:   {Kind: robot.Feishu, URL: environment["FEISHU_ROBOT_URL"], Secret: environment["FEISHU_ROBOT_SECRET"]},
		robot.Webhook:  {Kind: robot.Webhook, URL: environment["WEBHOOK_URL"]},
	}
}

func send(t *testing.T, config robot.Config) (robot.Answer, error) {
	t.Helper()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	config.Timeout = time.Minute
	r, err := robot.New(config)
	require.NoError(t, err)
	return r.Send(t.Context(), alert.Notice{Flow: "refund_to_return", Title: "售后单", At: time.Now(), Test: true})
}

func TestRobotsAcceptMessages(t *testing.T) {
	s, _, c := start(t, Options{Orders: 1})
	for kind, config := range robotsOf(c.environment) {
		answer, err := send(t, config)
		require.NoError(t, err, kind)
		require.NotEmpty(t, answer.Code, kind)
	}
	taken := map[string]string{}
	for _, message := range s.State().Robots.Messages {
		taken[message.Robot] = message.Text
	}
	require.Len(t, taken, 4)
	for kind, text := range taken {
		require.Contains(t, text, "refundsync", kind)
		require.Contains(t, text, "test message", kind)
	}
	var shown chat.State
	require.NoError(t, json.Unmarshal(c.get("/_sim/robots"), &shown))
	require.Len(t, shown.Messages, 4)
}

func TestRobotsRefuseInvalidMessages(t *testing.T) {
	s, _, c := start(t, Options{Orders: 1})
	right := robotsOf(c.environment)
	wrong := func(kind robot.Kind, change func(*robot.Config)) robot.Config {
		config := right[kind]
		change(&config)
		return config
	}
	otherKey := func(config *robot.Config) {
		config.URL = strings.TrimRight(config.URL, "0123456789abcdefghijklmnopqrstuvwxyz-") + "other"
	}
	otherSecret := func(config *robot.Config) { config.Secret = "other" }
	noSecret := func(config *robot.Config) { config.Secret = "" }
	wrongClock := func(config *robot.Config) { config.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) } }
	for _, test := range []struct {
		name   string
		config robot.Config
		reason string
	}{
		{"wecom key", wrong(robot.WeCom, otherKey), "robot_address"},
		{"dingtalk token", wrong(robot.DingTalk, otherKey), "robot_address"},
		{"dingtalk secret", wrong(robot.DingTalk, otherSecret), "robot_security"},
		{"dingtalk without a secret", wrong(robot.DingTalk, noSecret), "robot_security"},
		{"dingtalk clock", wrong(robot.DingTalk, wrongClock), "robot_security"},
		{"feishu hook", wrong(robot.Feishu, otherKey), "robot_address"},
		{"feishu secret", wrong(robot.Feishu, otherSecret), "robot_security"},
		{"feishu without a secret", wrong(robot.Feishu, noSecret), "robot_security"},
		{"feishu clock", wrong(robot.Feishu, wrongClock), "robot_security"},
		{"a message of another vendor", robot.Config{Kind: robot.WeCom, URL: right[robot.DingTalk].URL}, "robot_refused"},
		{"no such robot", robot.Config{Kind: robot.Webhook, URL: strings.Replace(right[robot.Webhook].URL, "webhook", "slack", 1)}, "robot_http_status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := send(t, test.config)
			require.NotNil(t, fault.As(err), "%v", err)
			require.Equal(t, test.reason, fault.As(err).Reason)
		})
	}
	require.Empty(t, s.State().Robots.Messages)
	require.Equal(t, map[string]int{"wecom": 1, "dingtalk": 5, "feishu": 4}, s.State().Robots.Refusals)
}

func TestRobotFaults(t *testing.T) {
	for name, want := range map[faults.Name]struct {
		class fault.Class
		taken bool
	}{
		faults.RobotCallLimit:   {fault.RateLimited, false},
		faults.RobotRefusal:     {fault.Final, false},
		faults.RobotServerError: {fault.Retry, false},
		faults.RobotReplyLost:   {fault.Retry, true},
	} {
		t.Run(string(name), func(t *testing.T) {
			s, _, c := start(t, Options{Orders: 1, Faults: faults.Probabilities{name: 1}})
			for kind, config := range robotsOf(c.environment) {
				_, err := send(t, config)
				require.True(t, fault.Is(err, want.class), "%s: %v", kind, err)
			}
			require.Equal(t, want.taken, len(s.State().Robots.Messages) == 4)
			require.Equal(t, 4, s.State().Faults[name])
		})
	}
}
