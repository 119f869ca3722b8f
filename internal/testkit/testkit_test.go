package testkit

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreeAddress(t *testing.T) {
	listener, err := net.Listen("tcp", FreeAddress(t))
	require.NoError(t, err)
	require.NoError(t, listener.Close())
}
