package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxies(t *testing.T) {
	for value, valid := range map[string]bool{
		"http://proxy.company.lan:3128":             true,
		"https://proxy.company.lan":                 true,
		"proxy.company.lan:3128":                    true,
		"http://user:s3cr%40et@proxy.company.lan:1": true,
		"socks5://127.0.0.1:1080":                   true,
		"http://user:s3cr^et@proxy.company.lan:1":   false,
		"http://user:s3cr/et@proxy.company.lan:1":   false,
		"http://user:s3cr%et@proxy.company.lan:1":   false,
		"ftp://user:s3cret@proxy.company.lan:1":     false,
		"http://":                                   false,
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			t.Run(name+"="+value, func(t *testing.T) {
				setenv(t, complete())
				t.Setenv(name, value)
				_, err := FromProcess().Load()
				_, temporalErr := FromProcess().TemporalOptions()
				require.Equal(t, valid, err == nil, "%v", err)
				require.Equal(t, valid, temporalErr == nil, "%v", temporalErr)
				if !valid {
					require.Equal(t, []string{name}, names(problems(t, err)))
					require.ErrorContains(t, temporalErr, name)
					require.NotContains(t, err.Error()+temporalErr.Error(), "s3cr")
				}
			})
		}
	}
}
