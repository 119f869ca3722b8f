package devserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"refundsync/internal/childprocess"
)

// stopTimeout is how long the server has to end by itself; it needs about one
// second.
const stopTimeout = 15 * time.Second

func startProcess(executable string, args []string) (*childprocess.Process, error) {
	cmd := exec.Command(executable, args...)
	// A server that can't take a port says so and then panics; without the trace
	// the end of its output still holds what it said.
	cmd.Env = append(withoutTemporalSettings(os.Environ()), "GOTRACEBACK=none")
	// SQLite bears a kill, so the state file does too.
	return childprocess.Start(cmd, syscall.SIGKILL)
}

// endedError tells of an end that nobody asked for.
func endedError(process *childprocess.Process) error {
	output := process.Output()
	err := fmt.Errorf("开发服务器 temporal 自行退出。 The Temporal dev server ended by itself: %s", output)
	if saysPortTaken(output) {
		err = fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// stop ends the process; it is an error if it had ended already.
func stop(process *childprocess.Process) error {
	if process.Ended() {
		return endedError(process)
	}
	return discard(process)
}

// discard ends the process if it still runs: first it is asked, then made to.
func discard(process *childprocess.Process) error {
	err := process.Stop(syscall.SIGINT, stopTimeout)
	if errors.Is(err, childprocess.ErrKilled) {
		return nil
	}
	return err
}

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
