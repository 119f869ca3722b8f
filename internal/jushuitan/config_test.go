package jushuitan

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"refundsync/internal/fault"
)

func TestNewRefusesBadSettings(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*Config)
		setting string
	}{
		{"no url", func(c *Config) { c.URL = "" }, "JUSHUITAN_URL"},
		{"url without scheme", func(c *Config) { c.URL = "a1q40taq0j.api.taobao.com/router/qm" }, "JUSHUITAN_URL"},
		{"url with query", func(c *Config) { c.URL += "?method=x" }, "JUSHUITAN_URL"},
		{"url with password", func(c *Config) { c.URL = "https://u:p@localhost/router/qm" }, "JUSHUITAN_URL"},
		{"no key", func(c *Config) { c.AppKey = "" }, "JUSHUITAN_APP_KEY"},
		{"no secret", func(c *Config) { c.AppSecret = "" }, "JUSHUITAN_APP_SECRET"},
		{"no customer", func(c *Config) { c.CustomerID = "" }, "JUSHUITAN_CUSTOMER_ID"},
		{"no target", func(c *Config) { c.TargetAppKey = "" }, "JUSHUITAN_TARGET_APP_KEY"},
		{"unknown sign method", func(c *Config) { c.SignMethod = "sha256" }, "JUSHUITAN_SIGN_METHOD"},
		{"negative rate", func(c *Config) { c.CallsPerSecond = -1 }, "JUSHUITAN_CALLS_PER_SECOND"},
		{"rate that is no number", func(c *Config) { c.CallsPerSecond = rate.Limit(math.NaN()) }, "JUSHUITAN_CALLS_PER_SECOND"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := settings("https://localhost/router/qm")
			test.change(&config)
			_, err := New(config)
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, test.setting, f.Field)
			require.Equal(t, fault.Final, f.Class)
		})
	}
}

func TestNewTellsAllMistakesAtOnce(t *testing.T) {
	_, err := New(Config{})
	for _, setting := range []string{"JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET",
		"JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_TARGET_APP_KEY", "JUSHUITAN_SIGN_METHOD"} {
		require.ErrorContains(t, err, setting)
	}
}
