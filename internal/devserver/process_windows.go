package devserver

import (
	"errors"
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interruptGroup always fails, so that the kill follows at once: Windows sends
// no interrupt to a single process. SQLite bears a kill.
func interruptGroup(*os.Process) error { return errors.ErrUnsupported }

func killGroup(leader *os.Process) error { return leader.Kill() }
