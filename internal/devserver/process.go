package devserver

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"refundsync/internal/childprocess"
	"refundsync/internal/text"
)

// stopTimeout is how long the server may take to exit; it needs about a second.
const stopTimeout = 15 * time.Second

func startProcess(executable string, args []string) (*childprocess.Process, error) {
	cmd := exec.Command(executable, args...)
	// A server that can't listen on a port prints why and then panics; a stack trace
	// would push that out of the output that is kept.
	cmd.Env = append(withoutTemporalSettings(os.Environ()), "GOTRACEBACK=none")
	// SQLite survives a kill, so the state file does too.
	return childprocess.Start(cmd, syscall.SIGKILL)
}

// exitedError is the error of a server that nobody stopped.
func exitedError(process *childprocess.Process) error {
	output := process.Output()
	err := text.Errorf("the Temporal dev server exited by itself: %s", output)
	if saysPortTaken(output) {
		err = text.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// stop stops the process; it returns an error if the process had already exited.
func stop(process *childprocess.Process) error {
	if process.Exited() {
		return exitedError(process)
	}
	return discard(process)
}

// discard interrupts the process if it still runs, and kills it if that doesn't help.
func discard(process *childprocess.Process) error {
	err := process.Stop(syscall.SIGINT, stopTimeout)
	if errors.Is(err, childprocess.ErrKilled) {
		return nil
	}
	return err
}

// withoutTemporalSettings drops the variables that configure a client's connection:
// the server would read them too.
func withoutTemporalSettings(environ []string) []string {
	var kept []string
	for _, keyValue := range environ {
		if !strings.HasPrefix(keyValue, "TEMPORAL_") {
			kept = append(kept, keyValue)
		}
	}
	return kept
}
