// Package childprocess runs a program that lives no longer than the one that started
// it.
package childprocess

import (
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"refundsync/internal/text"
)

// ErrKilled means that the process did not exit on the signal and was killed.
var ErrKilled = text.Errorf("the process did not exit when asked and was killed")

// pipesDelay bounds how long the output of an exited process is read while its own
// children hold it open.
const pipesDelay = 15 * time.Second

// Process is a child process in a process group of its own, so that Ctrl-C in a
// terminal reaches only the parent, which then stops its children in order.
type Process struct {
	cmd    *exec.Cmd
	output *Tail
	done   chan struct{}
}

// Start starts the command. Output that the command doesn't redirect is kept, up to a
// bound; see [Process.Output]. On Linux the process receives the signal when its
// parent dies; on other systems it does not.
func Start(cmd *exec.Cmd, whenParentDies syscall.Signal) (*Process, error) {
	p := &Process{cmd: cmd, output: &Tail{}, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.output
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.output
	}
	cmd.WaitDelay = pipesDelay
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	ownGroup(cmd.SysProcAttr)
	dieWithParent(cmd.SysProcAttr, whenParentDies)

	started := make(chan error)
	go func() {
		// Linux sends the signal when the thread that started the child exits, not the
		// whole parent, so that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			// Output and ExitCode tell how it exited.
			_ = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, text.Errorf("can't start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is the end of what the process has written, if it isn't redirected.
func (p *Process) Output() string { return p.output.String() }

// Done is closed when the process has exited, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited reports whether the process has exited.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode waits for the process to exit and gives its exit code; -1 if a signal ended
// it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Stop sends the signal to the process group and returns once the process has exited.
// It kills the group if that takes longer than patience, or at once on systems without
// such signals, and then returns ErrKilled. Stop is a no-op if the process has exited.
func (p *Process) Stop(signal syscall.Signal, patience time.Duration) error {
	if p.Exited() {
		return nil
	}
	asked := signalGroup(p.cmd.Process, signal)
	if asked == nil {
		select {
		case <-p.done:
			return nil
		case <-time.After(patience):
		}
	}
	killed := p.Kill()
	if killed != nil && !p.Exited() {
		return text.Errorf("can't stop %s (process %d): %w", filepath.Base(p.cmd.Path), p.PID(), errors.Join(asked, killed))
	}
	<-p.done
	return text.Errorf("%w: %s: %s", ErrKilled, filepath.Base(p.cmd.Path), p.output)
}

// Kill kills the process group and does not wait.
func (p *Process) Kill() error {
	if p.Exited() {
		return nil
	}
	return killGroup(p.cmd.Process)
}
