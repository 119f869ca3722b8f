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

// address checks a URL, whose path must end in suffix, and adds the last slash if only that
// is missing. Problems never show the value: it may contain a password by mistake.
func (c *checker) address(name, value, suffix string) string {
	if c.required(name, value) == "" {
		return value
	}
	parsed, err := url.Parse(value)
	if err == nil && strings.HasSuffix(suffix, "/") && strings.HasSuffix(strings.ToLower(value)+"/", suffix) {
		value, parsed.Path = value+"/", parsed.Path+"/"
	}
	switch {
	case err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		c.wrong(name, text.New("it is not a full URL"))
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		c.wrong(name, text.New("it must have no user, password, query or fragment"))
	case !strings.HasSuffix(strings.ToLower(parsed.Path), suffix):
		c.wrong(name, text.New("its ending is wrong"))
	case parsed.Scheme == "http" && !isPrivate(parsed.Hostname()):
		c.wrong(name, text.New("it must be https over the internet, since secrets and orders must not be sent in clear text (within your own network, give the private IP)"))
	}
	return value
}

// listenAddress checks the host:port of one of our servers. The port is a number; 0
// takes a free one.
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

// hostName matches a name of one or more labels, such as kingdee or kingdee.corp.lan.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// isPrivate reports whether the host is this machine or in a private network, judging
// only by its name or address: many Kingdee servers have no TLS and are only reachable
// within the company. An IP address in an unusual notation, such as a decimal, doesn't
// count as private, since people can't see what it is.
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
	// Resolvers take a name that ends in a number for an address: 134744072, 0x8080808.
	if last[0] >= '0' && last[0] <= '9' {
		return false
	}
	return len(labels) == 1 || slices.Contains([]string{"local", "lan", "internal"}, last)
}
