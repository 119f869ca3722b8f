//go:build unix

package testkit

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProcess(t *testing.T) {
	for name, test := range map[string]struct {
		child string
		end   func(p *Process, t *testing.T)
		code  int
		says  string
	}{
		"exits by itself":     {"ends", func(*Process, *testing.T) {}, 7, "said\ncomplained\n"},
		"is terminated":       {"tidy", func(p *Process, t *testing.T) { p.Terminate(t) }, 0, "said\ncomplained\ntidied\n"},
		"is interrupted":      {"tidy", func(p *Process, t *testing.T) { require.Zero(t, p.Interrupt(t)) }, 0, "said\ncomplained\ntidied\n"},
		"is interrupted hard": {"lives", func(p *Process, t *testing.T) { require.Equal(t, -1, p.Interrupt(t)) }, -1, "said\ncomplained\n"},
		"is killed":           {"tidy", func(p *Process, t *testing.T) { p.Kill(t) }, -1, "said\ncomplained\n"},
		"gets a signal":       {"tidy", func(p *Process, t *testing.T) { p.Signal(t, syscall.SIGHUP) }, 0, "said\ncomplained\ntidied\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Start(t, "complained", childCommand(test.child))
			test.end(p, t)
			require.Equal(t, test.code, p.End(t))
			require.Equal(t, test.says, p.Output())
		})
	}
}

func TestProcessEndsWithItsTest(t *testing.T) {
	var p *Process
	t.Run("test", func(t *testing.T) {
		p = Start(t, "said", childCommand("lives"))
		require.NoError(t, syscall.Kill(p.PID(), 0), "it runs")
	})
	SkipIfShort(t)
	select {
	case <-p.Done():
	default:
		require.Fail(t, "it still runs")
	}
}

func TestProcessThatNeverSaysIt(t *testing.T) {
	SkipIfShort(t)
	r := &recorder{TB: t}
	func() {
		defer func() { _ = recover() }()
		Start(r, "ready", childCommand("ends"))
	}()
	require.Contains(t, r.failed, `exited and never said "ready": said`)
}

func childCommand(child string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+child)
	return cmd
}
