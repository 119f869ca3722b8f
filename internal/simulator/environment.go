package simulator

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/envfile"
	"refundsync/internal/simulator/chat"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/qimen"
	"refundsync/internal/text"
)

// The ways to authenticate with Kingdee, as KINGDEE_AUTH names them.
const (
	AuthSignature = "signature"
	AuthAppSecret = "appsecret"
	AuthSign      = "sign"
	AuthPassword  = "password"
)

func checkAuth(auth string) error {
	ways := []string{AuthSignature, AuthAppSecret, AuthSign, AuthPassword}
	if !slices.Contains(ways, auth) {
		return text.Errorf("unknown way of authentication %q; expected one of: %s", auth, strings.Join(ways, ", "))
	}
	return nil
}

// The credentials that the simulators check. They protect nothing.
var (
	gatewayCredentials = qimen.Credentials{
		AppKey:       "34250001",
		AppSecret:    "simulated-jushuitan-secret",
		TargetAppKey: "23060081",
		CustomerID:   "c1709123456",
	}
	platformKey       = "34250002"
	platformSecret    = "simulated-open-platform-secret"
	tenantCredentials = galaxy.Credentials{
		AcctID:    "65e0a1b2c3d4e5",
		Username:  "demo",
		Password:  "simulated-password",
		AppID:     "270001_U0lNVUxBVEVELUtJTkdERUUtMDAwMDAx",
		AppSecret: "5b1f0c7de2a94c3f8a6d1e0b4c7f2a95",
		LCID:      2052,
		OrgNumber: merchant.Organisation,
	}
	robotCredentials = chat.Credentials{
		WeComKey:       "00000000-0000-4000-8000-000000000001",
		DingTalkToken:  "simulated-dingtalk-token",
		DingTalkSecret: "SECsimulated-dingtalk-secret",
		FeishuHook:     "00000000-0000-4000-8000-000000000002",
		FeishuSecret:   "simulated-feishu-secret",
	}
)

// tenant are the credentials of the options' data centre.
func (o Options) tenant() galaxy.Credentials {
	credentials := tenantCredentials
	credentials.AcctID = cmp.Or(o.AcctID, credentials.AcctID)
	return credentials
}

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// Environment is a list of variables, in reading order.
type Environment []Variable

// Map returns the variables by name.
func (e Environment) Map() map[string]string {
	m := make(map[string]string, len(e))
	for _, v := range e {
		m[v.Name] = v.Value
	}
	return m
}

// File returns an environment file.
func (e Environment) File() (string, error) {
	var b strings.Builder
	for _, v := range e {
		line, err := envfile.Line(v.Name, v.Value)
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// Environment is what a worker needs to reach both systems and the robots on this server,
// under the names that the flows use in their examples.
func (s *Server) Environment() Environment {
	return Environment{
		{"JUSHUITAN_URL", s.url + "/router/qm"},
		{"JUSHUITAN_APP_KEY", gatewayCredentials.AppKey},
		{"JUSHUITAN_APP_SECRET", gatewayCredentials.AppSecret},
		{"JUSHUITAN_CUSTOMER_ID", gatewayCredentials.CustomerID},
		{"JUSHUITAN_OPEN_URL", s.url},
		{"JUSHUITAN_OPEN_APP_KEY", platformKey},
		{"JUSHUITAN_OPEN_APP_SECRET", platformSecret},
		{"KINGDEE_URL", s.url + "/k3cloud/"},
		{"KINGDEE_AUTH", s.simulator.options.Auth},
		{"KINGDEE_ACCT_ID", s.simulator.options.tenant().AcctID},
		{"KINGDEE_USERNAME", tenantCredentials.Username},
		{"KINGDEE_PASSWORD", tenantCredentials.Password},
		{"KINGDEE_APP_ID", tenantCredentials.AppID},
		{"KINGDEE_APP_SECRET", tenantCredentials.AppSecret},
		{"KINGDEE_LCID", strconv.Itoa(tenantCredentials.LCID)},
		{"KINGDEE_ORG_NUMBER", tenantCredentials.OrgNumber},
		{"WECOM_ROBOT_URL", s.url + "/robots/wecom?key=" + robotCredentials.WeComKey},
		{"DINGTALK_ROBOT_URL", s.url + "/robots/dingtalk?access_token=" + robotCredentials.DingTalkToken},
		{"DINGTALK_ROBOT_SECRET", robotCredentials.DingTalkSecret},
		{"FEISHU_ROBOT_URL", s.url + "/robots/feishu/" + robotCredentials.FeishuHook},
		{"FEISHU_ROBOT_SECRET", robotCredentials.FeishuSecret},
		{"WEBHOOK_URL", s.url + "/robots/webhook"},
	}
}
