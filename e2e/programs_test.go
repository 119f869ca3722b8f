package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
)

// binFolder is the folder of the programs once they are built.
var binFolder string

// buildPrograms builds the programs when the first test needs them.
var buildPrograms = sync.OnceValue(func() (err error) {
	if binFolder, err = os.MkdirTemp("", "refundsync-e2e"); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", binFolder+string(filepath.Separator), "./starter", "./worker", "./simulator")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return nil
})

// bin returns the folder of the programs.
func bin(t *testing.T) string {
	t.Helper()
	require.NoError(t, buildPrograms())
	return binFolder
}

// command returns a program with the world's settings and no others.
func (w *world) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin(t), name), args...)
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "REFUNDSYNC_LANG=en")
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// ended is how a program ended.
type ended struct {
	code           int
	stdout, stderr string
}

// run runs a program until it ends.
func (w *world) run(t *testing.T, name string, args ...string) ended {
	t.Helper()
	cmd := w.command(t, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return ended{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// starter runs the starter, which must exit with the given code.
func (w *world) starter(t *testing.T, wantCode int, args ...string) ended {
	t.Helper()
	e := w.run(t, "starter", args...)
	require.Equal(t, wantCode, e.code, "%v: %s%s", args, e.stdout, e.stderr)
	return e
}

// start starts a program and waits for the text says in its output.
func (w *world) start(t *testing.T, says, name string, args ...string) *testkit.Process {
	t.Helper()
	return testkit.Start(t, says, w.command(t, name, args...))
}

// startWorkerProcess starts a worker as a separate program, for tests of what happens to
// a process.
func (w *world) startWorkerProcess(t *testing.T) *testkit.Process {
	t.Helper()
	return w.start(t, `"polling"`, "worker")
}

// rangeFlags are the days of the world's orders.
func (w *world) rangeFlags() []string {
	in := w.input().Range
	return []string{"--flow", builtInFlow, "--from", in.From.Format(time.RFC3339), "--to", in.To.Format(time.RFC3339)}
}

// starterSync runs the flow over the world's days as a person does, and waits.
func (w *world) starterSync(t *testing.T, wantCode int, flags ...string) result {
	t.Helper()
	e := w.starter(t, wantCode, slices.Concat([]string{"run", "--wait", "-o", "json"}, w.rangeFlags(), flags)...)
	var r result
	decoder := json.NewDecoder(bytes.NewReader([]byte(e.stdout)))
	require.NoError(t, decoder.Decode(&r), e.stdout)
	require.False(t, decoder.More(), "stdout holds more than one object")
	return r
}
