package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Plain http is allowed to this machine and to private names and addresses.
func TestPrivateHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "kingdee": true, "kingdee-01": true, "kingdee.corp.lan": true, "KINGDEE.LOCAL": true,
		"k3.internal": true, "10.1.2.3": true, "172.16.0.9": true, "192.168.1.10": true, "169.254.1.1": true, "fd00::1": true, "fe80::1%eth0": true,
		"::ffff:10.1.2.3": true,

		"8.8.8.8": false, "172.32.0.1": false, "100.64.0.1": false, "2001:db8::1": false, "2001:db8::1%eth0": false, "::ffff:8.8.8.8": false,
		"134744072": false, "0x8080808": false, "010.8.8.8": false, "0xa.1.1.1": false, "8.8.2056": false, "10.1": false, "2130706433": false,
		"kingdee.example.com": false, "lan": true, "example.com.lan.evil.cn": false, "kingdee.lan.": false, "evil.cn.": false,
		"a..lan": false, ".lan": false, "８.８.８.８": false, "１３４７４４０７２": false, "": false,
	} {
		require.Equal(t, want, isPrivate(host), host)
	}
}
