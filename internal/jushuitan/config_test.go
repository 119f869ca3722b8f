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
		{"no url", func(c *Config) { c.Qimen.URL = "" }, "JUSHUITAN_URL"},
		{"url without scheme", func(c *Config) { c.Qimen.URL = "a1q40taq0j.api.taobao.com/router/qm" }, "JUSHUITAN_URL"},
		{"url with query", func(c *Config) { c.Qimen.URL += "?method=x" }, "JUSHUITAN_URL"},
		{"url with password", func(c *Config) { c.Qimen.URL = "https://u:p@localhost/router/qm" }, "JUSHUITAN_URL"},
		{"no key", func(c *Config) { c.Qimen.AppKey = "" }, "JUSHUITAN_APP_KEY"},
		{"no secret", func(c *Config) { c.Qimen.AppSecret = "" }, "JUSHUITAN_APP_SECRET"},
		{"no customer", func(c *Config) { c.Qimen.CustomerID = "" }, "JUSHUITAN_CUSTOMER_ID"},
		{"no target", func(c *Config) { c.Qimen.TargetAppKey = "" }, "JUSHUITAN_TARGET_APP_KEY"},
		{"unknown sign method", func(c *Config) { c.Qimen.SignMethod = "sha256" }, "JUSHUITAN_SIGN_METHOD"},
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
	_, err := New(Config{Qimen: &Qimen{}, Open: &Open{}})
	for _, setting := range []string{"JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET",
		"JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_TARGET_APP_KEY", "JUSHUITAN_SIGN_METHOD", "JUSHUITAN_OPEN_URL", "JUSHUITAN_OPEN_APP_KEY", "JUSHUITAN_OPEN_APP_SECRET"} {
		require.ErrorContains(t, err, setting)
	}
}
