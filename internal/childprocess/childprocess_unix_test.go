//go:build unix

package childprocess_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"refundsync/internal/childprocess"
	"refundsync/internal/testkit"
)

// childVariable makes the test binary play the child that it names.
const childVariable = "CHILDPROCESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		child(what)
		return
	}
	goleak.VerifyTestMain(m)
}

func child(what string) {
	switch what {
	case "ends":
		fmt.Println("over")
		os.Exit(7)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	case "parent":
		p, err := childprocess.Start(command("lives"), syscall.SIGKILL)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		for !strings.Contains(p.Output(), "ready") {
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Println(p.PID())
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func command(child string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+child)
	return cmd
}

func start(t *testing.T, child, says string) *childprocess.Process {
	t.Helper()
	testkit.SkipIfShort(t)
	p, err := childprocess.Start(command(child), syscall.SIGKILL)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, p.Kill())
		<-p.Done()
	})
	testkit.Wait(t, "the child says %s", func() bool { return strings.Contains(p.Output(), says) }, says)
	return p
}

func TestStopAsks(t *testing.T) {
	p := start(t, "lives", "ready")
	require.False(t, p.Exited())
	require.NoError(t, p.Stop(syscall.SIGTERM, testkit.Patience))
	require.True(t, p.Exited())
	require.Equal(t, -1, p.ExitCode(), "by the signal")
	require.NoError(t, p.Stop(syscall.SIGTERM, testkit.Patience), "a no-op once it has exited")
}

func TestStopKillsWhatDoesNotExit(t *testing.T) {
	p := start(t, "deaf", "ready")
	err := p.Stop(syscall.SIGTERM, time.Millisecond)
	require.ErrorIs(t, err, childprocess.ErrKilled)
	require.ErrorContains(t, err, "ready", "the end of its output")
	require.True(t, p.Exited())
}

func TestExitByItself(t *testing.T) {
	p := start(t, "ends", "over")
	<-p.Done()
	require.Equal(t, 7, p.ExitCode())
	require.NoError(t, p.Kill())
	require.NoError(t, p.Stop(syscall.SIGTERM, 0))
}

func TestOutputGoesWhereTheCommandSays(t *testing.T) {
	testkit.SkipIfShort(t)
	cmd := command("ends")
	var out bytes.Buffer
	cmd.Stdout = &out
	p, err := childprocess.Start(cmd, syscall.SIGKILL)
	require.NoError(t, err)
	require.Equal(t, 7, p.ExitCode())
	require.Equal(t, "over\n", out.String())
	require.Empty(t, p.Output())
}

func TestStartOfNothing(t *testing.T) {
	_, err := childprocess.Start(exec.Command("./no-such-program"), syscall.SIGKILL)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "no-such-program")
}

func TestChildDiesWithItsParent(t *testing.T) {
	testkit.SkipIfShort(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux signals a child when its parent dies")
	}
	parent := command("parent")
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(line, &pid)
	require.NoError(t, err, line)
	require.NoError(t, syscall.Kill(pid, 0), "it lives")

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait(), "it was killed")
	testkit.Wait(t, "the child has died", func() bool { return !runs(pid) })
}

// runs reports whether a process runs; one that nobody waits for is a zombie.
func runs(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(status, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}
