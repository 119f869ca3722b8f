//go:build linux

package pgserver

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreePortsAreDifferentAndFitTwoBytes(t *testing.T) {
	ports, err := freePorts(20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, port := range ports {
		require.False(t, seen[port])
		seen[port] = true
		require.Less(t, port, 1<<15)
	}
	require.Len(t, seen, 20)
}

func TestMajorVersion(t *testing.T) {
	require.Equal(t, 15, majorVersion("/usr/lib/postgresql/15/bin/initdb"))
	require.Zero(t, majorVersion("/usr/lib/postgresql/devel/bin/initdb"))
}
