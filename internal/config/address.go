package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/text"
)

// address checks a URL, whose path must end in suffix. The value is never
// shown: it may hold a password by mistake.
func (c *checker) address(name, value, suffix string) string {
	if c.required(name, value) == "" {
		return value
	}
	parsed, err := url.Parse(value)
	switch {
	case err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		c.wrong(name, text.New("It is not a full address"))
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		c.wrong(name, text.New("It must have no user, password, query or fragment"))
	case !strings.HasSuffix(strings.ToLower(parsed.Path), suffix):
		c.wrong(name, text.New("Its end is wrong"))
	case parsed.Scheme == "http" && !isPrivate(parsed.Hostname()):
		c.wrong(name, text.New("Over the internet it must be https: secrets and orders must not travel in clear text (in a network of your own give the private IP)"))
	}
	return value
}

// listenAddress checks the host:port of a server of ours; the port is a number,
// and 0 takes a free one.
func (c *checker) listenAddress(name, value string) string {
	if value == "" {
		return value
	}
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		c.invalid(name, value)
	}
	return value
}

// hostName is a name of one label or more, such as kingdee or kingdee.corp.lan.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// isPrivate reports whether the host is of this machine or of a network of the
// user's own, by its looks alone. Many Kingdee servers have no TLS and are
// reached inside the company only. An address in another spelling than the usual
// one, such as a decimal, is none: what it reaches is not to be seen.
func isPrivate(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	if !hostName.MatchString(host) {
		return false
	}
	labels := strings.Split(strings.ToLower(host), ".")
	last := labels[len(labels)-1]
	// Resolvers take what ends in a number for an address: 134744072, 0x8080808.
	if last[0] >= '0' && last[0] <= '9' {
		return false
	}
	return len(labels) == 1 || slices.Contains([]string{"local", "lan", "internal"}, last)
}
