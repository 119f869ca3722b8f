package testkit

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/childprocess"
)

// Process is a program that runs beside a test, and no longer than that.
type Process struct {
	cmd    *exec.Cmd
	child  *childprocess.Process
	output output
}

// Start starts a program and waits until it has said something.
func Start(t testing.TB, says string, cmd *exec.Cmd) *Process {
	t.Helper()
	SkipIfShort(t)
	p := &Process{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	var err error
	p.child, err = childprocess.Start(cmd, syscall.SIGKILL)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // or it has ended
		<-p.Done()
	})
	p.WaitFor(t, says)
	return p
}

// WaitFor waits until the program has written a text.
func (p *Process) WaitFor(t testing.TB, says string) {
	t.Helper()
	Wait(t, "%s says %q", func() bool {
		// Before its output: what it says last counts too.
		ended := p.child.Ended()
		said := strings.Contains(p.Output(), says)
		if ended && !said {
			t.Fatalf("%s ended and never said %q: %s", p.name(), says, p.Output())
		}
		return said
	}, p.name(), says)
}

func (p *Process) name() string { return filepath.Base(p.cmd.Path) }

// Output is all that the program has written.
func (p *Process) Output() string { return p.output.String() }

// PID is the id of the process.
func (p *Process) PID() int { return p.child.PID() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.child.Done() }

// End waits until the program has ended, and gives its exit code; -1 is a signal's.
func (p *Process) End(t testing.TB) int {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(Patience):
		t.Fatalf("%s does not end: %s", p.name(), p.Output())
	}
	return p.child.ExitCode()
}

// Signal sends a signal to the program alone.
func (p *Process) Signal(t testing.TB, signal os.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(signal))
}

// Terminate tells the program to end, which it has to do without an error.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	require.Zero(t, p.End(t), p.Output())
}

// Interrupt does what Ctrl-C does, and gives the code with which the program ends.
func (p *Process) Interrupt(t testing.TB) int {
	t.Helper()
	p.Signal(t, os.Interrupt)
	return p.End(t)
}

// Kill ends the program without a chance to tidy up.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.Signal(t, os.Kill)
	p.End(t)
}

// output is what a program writes, which may be read while it does.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
