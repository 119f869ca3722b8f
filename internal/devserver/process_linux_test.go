package devserver

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	// The executable exists before, so that the parent has none to build.
	_, err := findExecutable(t.Context(), func(line string) { t.Log(line) })
	require.NoError(t, err)

	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"=1")
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	address := strings.TrimSpace(line)
	require.False(t, refusesConnections(address)())

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait(), "it was killed")
	require.Eventually(t, refusesConnections(address), 30*time.Second, 20*time.Millisecond)
}
