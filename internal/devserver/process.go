package devserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// stopTimeout is how long the server has to end by itself; it needs about one
// second.
const stopTimeout = 15 * time.Second

// process is a child process with a process group of its own, so that Ctrl-C in
// a terminal reaches the parent alone, which then stops things in their order.
type process struct {
	cmd    *exec.Cmd
	output *tail
	done   chan struct{}
}

func startProcess(executable string, args []string) (*process, error) {
	p := &process{
		cmd:    exec.Command(executable, args...),
		output: &tail{},
		done:   make(chan struct{}),
	}
	// A server that can't take a port says so and then panics; without the trace
	// the end of its output still holds what it said.
	// Later ones count: whoever sets GOGC has it.
	p.cmd.Env = slices.Concat([]string{garbageCollection}, withoutTemporalSettings(os.Environ()), []string{"GOTRACEBACK=none"})
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = stopTimeout
	p.cmd.SysProcAttr = ownGroup()

	started := make(chan error)
	go func() {
		// Linux ties the child's life to the thread that started it, not to the
		// whole parent, so that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			// How it ended is in its output; an exit code adds nothing.
			_ = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("无法启动 %s。 Can't start it: %w", executable, err)
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// endedError tells of an end that nobody asked for.
func (p *process) endedError() error {
	output := p.output.String()
	err := fmt.Errorf("开发服务器 temporal 自行退出。 The Temporal dev server ended by itself: %s", output)
	if saysPortTaken(output) {
		err = fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// stop ends the process; it is an error if it had ended already.
func (p *process) stop() error {
	if p.ended() {
		return p.endedError()
	}
	return p.discard()
}

// discard ends the process if it still runs: first it is asked, then made to.
func (p *process) discard() error {
	if p.ended() {
		return nil
	}
	asked := interruptGroup(p.cmd.Process)
	if asked == nil {
		select {
		case <-p.done:
			return nil
		case <-time.After(stopTimeout):
		}
	}
	killed := killGroup(p.cmd.Process)
	if killed != nil && !p.ended() {
		return fmt.Errorf("无法结束开发服务器 temporal（进程 %d）。 Can't end the Temporal dev server: %w",
			p.cmd.Process.Pid, errors.Join(asked, killed))
	}
	<-p.done
	return nil
}

// garbageCollection has the server collect garbage half as often as by Go's default:
// it is a fifth of its CPU time, see docs/performance.md.
const garbageCollection = "GOGC=200"

// withoutTemporalSettings drops the variables that configure a connection, lest
// they configure the server.
func withoutTemporalSettings(environ []string) []string {
	var kept []string
	for _, keyValue := range environ {
		if !strings.HasPrefix(keyValue, "TEMPORAL_") {
			kept = append(kept, keyValue)
		}
	}
	return kept
}

// tail keeps the end of what a process writes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append([]byte(nil), t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
