package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
)

// What makes the test binary the parent of a Temporal server: the file of its
// state, its port, and the folder of the programs. On Linux, the server dies with
// its parent, by SIGKILL, and the PostgreSQL that it may have as after a crash.
const (
	serverFileVariable = "REFUNDSYNC_TEST_SERVER_FILE"
	serverPortVariable = "REFUNDSYNC_TEST_SERVER_PORT"
	serverBinVariable  = "REFUNDSYNC_TEST_SERVER_BIN"
)

func init() {
	if os.Getenv(serverFileVariable) == "" {
		return
	}
	if err := runServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runServer runs a server until the test is over.
func runServer() error {
	port, err := strconv.Atoi(os.Getenv(serverPortVariable))
	if err != nil {
		return err
	}
	server, err := serve(context.Background(), os.Getenv(serverBinVariable), devserver.Options{
		DBFile: os.Getenv(serverFileVariable), Port: port,
	})
	if err != nil {
		return err
	}
	fmt.Println(server.address)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return server.stop()
}

// startTemporal starts a server with its state in the file, on the port, or on a
// free one if it is 0, and gives its address.
func startTemporal(t *testing.T, file string, port string) (*process, string) {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), serverFileVariable+"="+file, serverPortVariable+"="+port, serverBinVariable+"="+bin)
	p.cmd.Stderr = p
	// The server ends with the test, also when that breaks off.
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	address, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		// How it ended is in ProcessState.
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-p.done
	})
	require.NoError(t, err, "%s", p.output())
	return p, strings.TrimSpace(address)
}

// startTemporalWithState starts a server that can be started again, with the same
// state and at the same address, after it was killed.
func startTemporalWithState(t *testing.T) (server *process, address string, restart func() *process) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "temporal.db")
	if onPostgres() {
		file = postgresFolder(t)
	}
	server, address = startTemporal(t, file, "0")
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return server, address, func() *process {
		again, _ := startTemporal(t, file, port)
		return again
	}
}

func TestChaosTemporalKilled(t *testing.T) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		temporal, address, restart := startTemporalWithState(t)
		c := newChaosWorldAt(t, seed, simulator.Options{Orders: chaosLength(t, 150, 1000), CallLatency: 20 * time.Millisecond}, address)
		c.startWorker(t)
		run := c.beginAll(t)
		for _, bills := range c.killPoints(chaosLength(t, 1, 5)) {
			c.waitForBills(t, bills)
			c.kill(t, temporal)
			require.Eventually(t, func() bool { return refused(address) }, patience, 5*time.Millisecond)
			temporal = restart()
		}
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)
		c.requireNothingLost(t)
	})
}
