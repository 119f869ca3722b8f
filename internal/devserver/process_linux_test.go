package devserver

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerDiesWithItsParent(t *testing.T) {
	startsProcesses(t)
	t.Parallel()
	// The executable exists before, so that the parent has none to build.
	_, err := Executable(t.Context(), t.Output())
	require.NoError(t, err)

	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"=1")
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	connection, err := net.Dial("tcp", strings.TrimSpace(line))
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait(), "it was killed")
	// The server itself would close a connection that says nothing, after two minutes.
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = io.Copy(io.Discard, connection)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server lives on")
}
