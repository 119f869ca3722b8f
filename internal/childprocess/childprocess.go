// Package childprocess runs a program that is to live no longer than the one that
// started it.
package childprocess

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// ErrKilled is a process that did not end when it was asked to, and was made to.
var ErrKilled = errors.New("进程没有按要求退出，已强制结束。 The process did not end when it was asked to, and was killed")

// pipesDelay bounds how long the output is read of a process that has ended and
// left others behind that hold it open.
const pipesDelay = 15 * time.Second

// Process is a child process with a process group of its own, so that Ctrl-C in
// a terminal reaches the parent alone, which then stops things in their order.
type Process struct {
	cmd    *exec.Cmd
	output *Tail
	done   chan struct{}
}

// Start starts the command. Where it says no other place for its output, the end
// of that is kept. On Linux, the process gets the signal when its parent dies;
// other systems can't tie their lives.
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
		// Linux ties the child's life to the thread that started it, not to the
		// whole parent, so that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			// How it ended is in its output and in ExitCode.
			_ = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("无法启动 %s。 Can't start it: %w", cmd.Path, err)
	}
	return p, nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is the end of what the process has written, if it's kept.
func (p *Process) Output() string { return p.output.String() }

// Done is closed when the process has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended tells whether it has.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode is that of a process that has ended; -1 if a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Stop asks the process to end, by a signal to its group, and returns once it has.
// One that takes longer than the time given is killed, at once where there are no
// such signals, which is ErrKilled. A process that has ended needs no stop.
func (p *Process) Stop(signal syscall.Signal, patience time.Duration) error {
	if p.Ended() {
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
	if killed != nil && !p.Ended() {
		return fmt.Errorf("无法结束 %s（进程 %d）。 Can't end it: %w", filepath.Base(p.cmd.Path), p.PID(), errors.Join(asked, killed))
	}
	<-p.done
	return fmt.Errorf("%w: %s: %s", ErrKilled, filepath.Base(p.cmd.Path), p.output)
}

// Kill makes the process and its group end, and waits for nothing.
func (p *Process) Kill() error {
	if p.Ended() {
		return nil
	}
	return killGroup(p.cmd.Process)
}
