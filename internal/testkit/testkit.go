// Package testkit is what tests of several packages share.
package testkit

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// File makes a file with the content for the time of the test, and gives its path.
func File(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// SkipIfShort skips a test that starts processes or servers under `go test -short`.
func SkipIfShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts processes")
	}
}

// FreeAddress gives an address on loopback that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// longVariable enables the long suite.
const longVariable = "REFUNDSYNC_TESTS"

// Long reports whether the long suite runs too: REFUNDSYNC_TESTS=long.
func Long() bool {
	switch value := os.Getenv(longVariable); value {
	case "":
		return false
	case "long":
		return true
	default:
		panic(longVariable + " must be long or unset, not " + value)
	}
}

// SkipUnlessLong skips a test that takes minutes, or varies another, unless the long suite
// runs.
func SkipUnlessLong(t testing.TB) {
	t.Helper()
	SkipIfShort(t)
	if !Long() {
		t.Skip("part of the long suite: " + longVariable + "=long")
	}
}
