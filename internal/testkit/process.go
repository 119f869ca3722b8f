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

// Process is a program that runs beside a test and ends with it at the latest.
type Process struct {
	cmd    *exec.Cmd
	child  *childprocess.Process
	output output
}

// Start starts a program and waits until its output contains a text.
func Start(t testing.TB, says string, cmd *exec.Cmd) *Process {
	t.Helper()
	SkipIfShort(t)
	p := &Process{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	var err error
	p.child, err = childprocess.Start(cmd, syscall.SIGKILL)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has exited
		<-p.Done()
	})
	p.WaitFor(t, says)
	return p
}

// WaitFor waits until the program's output contains a text.
func (p *Process) WaitFor(t testing.TB, says string) {
	t.Helper()
	Wait(t, "%s says %q", func() bool {
		// Read before the output, so that its last words count too.
		exited := p.child.Exited()
		said := strings.Contains(p.Output(), says)
		if exited && !said {
			t.Fatalf("%s exited and never said %q: %s", p.name(), says, p.Output())
		}
		return said
	}, p.name(), says)
}

func (p *Process) name() string { return filepath.Base(p.cmd.Path) }

// Output is all that the program has written.
func (p *Process) Output() string { return p.output.String() }

// PID is the id of the process.
func (p *Process) PID() int { return p.child.PID() }

// Done is closed when the program has exited.
func (p *Process) Done() <-chan struct{} { return p.child.Done() }

// End waits until the program has exited and gives its exit code; -1 if a signal ended
// it.
func (p *Process) End(t testing.TB) int {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(Patience):
		t.Fatalf("%s does not exit: %s", p.name(), p.Output())
	}
	return p.child.ExitCode()
}

// Signal sends a signal to the program, but not to its children.
func (p *Process) Signal(t testing.TB, signal os.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(signal))
}

// Terminate terminates the program and requires exit code 0.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	require.Zero(t, p.End(t), p.Output())
}

// Interrupt interrupts the program, as Ctrl-C does, and gives its exit code.
func (p *Process) Interrupt(t testing.TB) int {
	t.Helper()
	p.Signal(t, os.Interrupt)
	return p.End(t)
}

// Kill kills the program, without a chance to tidy up.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.Signal(t, os.Kill)
	p.End(t)
}

// output is what a program has written; it can be read while the program runs.
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
