package config

import (
	"net/url"
	"slices"
	"strings"

	"refundsync/internal/text"
)

// proxyProblems checks the URLs of proxies, which Go's HTTP client and gRPC read: their
// own error for an invalid URL shows all of it, including a password.
func (e Environment) proxyProblems() (problems []error) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if value := e[name]; value != "" && !isProxy(value) {
			problems = append(problems, &Problem{
				Name:     name,
				Wrong:    text.New("it is not the URL of a proxy"),
				Expected: text.New("the URL of a proxy, with special characters in its user and password escaped (as %%40)"),
				Example:  "http://proxy.company.lan:3128",
			})
		}
	}
	return problems
}

// isProxy accepts what Go accepts: without a scheme, it is http.
func isProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	proxy, err := url.Parse(value)
	return err == nil && proxy.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme)
}
