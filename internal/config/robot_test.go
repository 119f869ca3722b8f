package config

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadRobot(t *testing.T) {
	const key, secret = "0123456789-key", "SECfedcba9876543210"
	for _, c := range []struct {
		name, url, secret string
		wrong             []string
	}{
		{"address and secret", "https://oapi.dingtalk.com/robot/send?access_token=" + key, secret, nil},
		{"in a network of one's own", "http://192.168.1.20:8080/hooks/" + key, secret, nil},
		{"nothing set", "", "", []string{"ROBOT_URL: it is not set", "ROBOT_SECRET: it is not set"}},
		{"not an address", key, secret, []string{"ROBOT_URL: it is not a full URL"}},
		{"clear text over the internet", "http://oapi.dingtalk.com/robot/send?access_token=" + key, secret, []string{"ROBOT_URL: it must be https over the internet"}},
		{"with a password", "https://a:" + key + "@example.com/", secret, []string{"ROBOT_URL: it must have no user"}},
		{"copied with a line break", "https://example.com/" + key + "\n", secret + " ", []string{"ROBOT_URL: it starts or ends with white space", "ROBOT_SECRET: it starts or ends with white space"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("ROBOT_URL", c.url)
			t.Setenv("ROBOT_SECRET", c.secret)
			r, err := FromProcess().LoadRobot("ROBOT_URL", "ROBOT_SECRET")
			require.Equal(t, len(c.wrong) > 0, err != nil, "%v", err)
			for _, wrong := range c.wrong {
				require.ErrorContains(t, err, wrong)
				require.NotContains(t, err.Error(), key)
				require.NotContains(t, err.Error(), secret)
			}
			if err == nil {
				require.Equal(t, c.url, r.URL)
				require.Equal(t, c.secret, r.Secret)
			}
			text, err := json.Marshal(r)
			require.NoError(t, err)
			for _, shown := range []string{fmt.Sprint(r), fmt.Sprintf("%+v %#v", r, r), string(text)} {
				require.NotContains(t, shown, key)
				require.NotContains(t, shown, secret)
			}
		})
	}
	t.Setenv("ROBOT_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="+key)
	r, err := FromProcess().LoadRobot("ROBOT_URL", "")
	require.NoError(t, err)
	require.Empty(t, r.Secret)
}
