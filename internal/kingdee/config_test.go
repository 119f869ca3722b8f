package kingdee

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestNewFindsAllMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string // the settings at fault
	}{
		"nothing set": {func(c *Config) { *c = Config{} },
			[]string{"KINGDEE_URL", "KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET"}},
		"good":                      {func(*Config) {}, nil},
		"no slash at the end":       {func(c *Config) { c.URL = "https://example.com/k3cloud" }, nil},
		"the path in another case":  {func(c *Config) { c.URL = "https://example.com/K3Cloud/" }, nil},
		"no scheme":                 {func(c *Config) { c.URL = "example.com/k3cloud/" }, []string{"KINGDEE_URL"}},
		"another path":              {func(c *Config) { c.URL = "https://example.com/" }, []string{"KINGDEE_URL"}},
		"a query":                   {func(c *Config) { c.URL = "https://example.com/k3cloud/?a=/k3cloud/" }, []string{"KINGDEE_URL"}},
		"a password in the URL":     {func(c *Config) { c.URL = "https://demo:hidden@example.com/k3cloud/" }, []string{"KINGDEE_URL"}},
		"an URL that is none":       {func(c *Config) { c.URL = "https://demo:hidden@%zz/k3cloud/" }, []string{"KINGDEE_URL"}},
		"an unknown way":            {func(c *Config) { c.Auth = "token" }, []string{"KINGDEE_AUTH"}},
		"no password":               {func(c *Config) { c.Auth, c.Password, c.AppID, c.AppSecret = AuthPassword, "", "", "" }, []string{"KINGDEE_PASSWORD"}},
		"half an app id":            {func(c *Config) { c.AppID = "123456" }, []string{"KINGDEE_APP_ID"}},
		"an app id cut short":       {func(c *Config) { c.AppID = "123456_QUJDR" }, []string{"KINGDEE_APP_ID"}},
		"an app id too long":        {func(c *Config) { c.AppID += "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY" }, []string{"KINGDEE_APP_ID"}},
		"half an app id, to log in": {func(c *Config) { c.Auth, c.AppID = AuthAppSecret, "123456" }, nil},
		"negative numbers":          {func(c *Config) { c.LCID, c.Sessions, c.Timeout = -1, -1, -1 }, []string{"KINGDEE_LCID", "KINGDEE_SESSIONS", "Timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := vectorConfig("https://example.com")
			test.change(&config)
			_, err := New(config)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			joined, ok := err.(interface{ Unwrap() []error })
			require.True(t, ok, "%v", err)
			var got []string
			for _, mistake := range joined.Unwrap() {
				f := requireFault(t, mistake, fault.Final, "bad_setting")
				got = append(got, f.Field)
			}
			assert.Equal(t, test.want, got)
			assert.NotContains(t, err.Error(), "hidden")
		})
	}
}

func TestDefaults(t *testing.T) {
	c := newClient(t, Config{
		URL: "https://example.com/k3cloud", AcctID: "a", Username: "u",
		AppID: "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", AppSecret: "s",
	})
	assert.Equal(t, "https://example.com/k3cloud/", c.base.String())
	assert.Equal(t, AuthSignature, c.config.Auth)
	assert.Equal(t, 120*time.Second, c.config.Timeout)
	assert.Equal(t, "a,u,2052,0", c.signer.appData)
	assert.Len(t, c.sessions, 4)
}
