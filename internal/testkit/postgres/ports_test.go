//go:build linux

package postgres

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two goroutines at once ask for more ports than a block holds.
func TestFreePortsAreDealtOnceAndFitTwoBytes(t *testing.T) {
	type answer struct {
		ports []int
		err   error
	}
	answers := make(chan answer)
	for range 2 {
		go func() {
			ports, err := freePorts(blockPorts)
			answers <- answer{ports, err}
		}()
	}
	seen := map[int]bool{}
	for range 2 {
		a := <-answers
		require.NoError(t, a.err)
		require.Len(t, a.ports, blockPorts)
		for _, port := range a.ports {
			require.False(t, seen[port])
			seen[port] = true
			require.Less(t, port, 1<<15)
		}
	}
	// The first port of a block keeps other processes away from it.
	for _, block := range dealt.blocks {
		_, err := net.Listen("tcp", block.Addr().String())
		require.Error(t, err)
	}
}
