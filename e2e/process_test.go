package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// patience is how long a state is waited for, on a machine that does much else.
const patience = 3 * time.Minute

// world is all that one test needs: both outside systems, a Temporal server of
// its own, and the settings to reach them.
type world struct {
	*simulator.Simulator
	server *simulator.Server
	env    map[string]string
}

// newWorld makes a merchant whose orders lie in two days.
func newWorld(t *testing.T, options simulator.Options) *world {
	t.Helper()
	return newWorldAt(t, options, startServer(t).address)
}

// newWorldAt is newWorld with a Temporal server that is there already.
func newWorldAt(t *testing.T, options simulator.Options, temporalAddress string) *world {
	t.Helper()
	options.Days, options.Seed = 2, cmp.Or(options.Seed, 7)
	sim, err := simulator.New(options)
	require.NoError(t, err)
	server, err := sim.Start(context.Background(), "127.0.0.1:0")
	require.NoError(t, err)
	w := &world{Simulator: sim, server: server, env: server.Environment().Map()}
	t.Cleanup(func() {
		require.NoError(t, w.server.Close())
		require.NoError(t, sim.Close())
	})
	w.env["TEMPORAL_ADDRESS"] = temporalAddress
	w.env["REFUNDSYNC_FLOWS"] = filepath.Join("..", "flows")
	// The limit is tested elsewhere; here it would only be waited for.
	w.env["JUSHUITAN_CALLS_PER_SECOND"] = "100"
	return w
}

// with gives the environment with a setting changed.
func (w *world) with(name, value string) *world {
	env := map[string]string{name: value}
	for n, v := range w.env {
		if n != name {
			env[n] = v
		}
	}
	return &world{Simulator: w.Simulator, server: w.server, env: env}
}

func (w *world) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// temporal connects to the world's Temporal server.
func (w *world) temporal(t *testing.T) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: w.env["TEMPORAL_ADDRESS"], Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// rangeFlags are the days of the world's orders.
func (w *world) rangeFlags() []string {
	from, to := w.Range()
	return spanFlags(from, to.Add(-time.Second))
}

// spanFlags are a range with both ends included.
func spanFlags(from, to time.Time) []string {
	return []string{"--flow", "refund_to_return", "--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339)}
}

// changedFlows is a folder with the built-in flow, changed in the places that
// the pairs of old and new text say.
func changedFlows(t *testing.T, pairs ...string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "flows"))))
	path := filepath.Join(folder, "refund_to_return.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i < len(pairs); i += 2 {
		require.Equal(t, 1, strings.Count(string(text), pairs[i]), pairs[i])
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600))
	return folder
}

// ended is how a program ended.
type ended struct {
	code           int
	stdout, stderr string
}

// run runs a program to its end.
func (w *world) run(t *testing.T, name string, args ...string) ended {
	t.Helper()
	cmd := w.command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return ended{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// begin starts the run over the world's days and does not wait for it.
func (w *world) begin(t *testing.T) {
	t.Helper()
	e := w.run(t, "starter", append([]string{"run"}, w.rangeFlags()...)...)
	require.Zero(t, e.code, e.stderr)
}

// result is what `starter run -o json` prints.
type result struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	workflows.SyncRefundsResult
	Error string `json:"error"`
}

func (w *world) sync(t *testing.T, wantCode int, flags ...string) result {
	t.Helper()
	from, to := w.Range()
	return w.syncSpan(t, wantCode, from, to.Add(-time.Second), flags...)
}

// syncSpan is sync for a range of its own, both ends included.
func (w *world) syncSpan(t *testing.T, wantCode int, from, to time.Time, flags ...string) result {
	t.Helper()
	e := w.run(t, "starter", slices.Concat([]string{"run", "--wait", "-o", "json"}, spanFlags(from, to), flags)...)
	require.Equal(t, wantCode, e.code, e.stderr)
	var r result
	decoder := json.NewDecoder(strings.NewReader(e.stdout))
	require.NoError(t, decoder.Decode(&r), e.stdout)
	require.False(t, decoder.More(), "stdout holds more than one object")
	return r
}

// process is a program that runs beside the test.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// Write collects the program's output.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// startWorker starts a worker and waits until it polls.
func (w *world) startWorker(t *testing.T) *process {
	t.Helper()
	return w.start(t, `"polling"`, "worker")
}

// start starts a program and waits until it has said something.
func (w *world) start(t *testing.T, says, name string, args ...string) *process {
	t.Helper()
	return w.startCommand(t, says, w.command(name, args...))
}

// startCommand is start with a command of one's own.
func (w *world) startCommand(t *testing.T, says string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	require.NoError(t, p.cmd.Start())
	go func() {
		// How it ended is in ProcessState.
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	require.Eventually(t, func() bool { return strings.Contains(p.output(), says) }, patience, 20*time.Millisecond, says)
	return p
}

// terminate tells the program to end and waits until it has.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.done:
	case <-time.After(patience):
		require.Fail(t, "the program does not end", p.output())
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.output())
}
