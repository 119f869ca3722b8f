//go:build unix

package childprocess

import (
	"errors"
	"os"
	"syscall"
)

func ownGroup(attributes *syscall.SysProcAttr) { attributes.Setpgid = true }

func signalGroup(leader *os.Process, signal syscall.Signal) error {
	err := syscall.Kill(-leader.Pid, signal)
	// The group has exited already.
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func killGroup(leader *os.Process) error { return signalGroup(leader, syscall.SIGKILL) }
