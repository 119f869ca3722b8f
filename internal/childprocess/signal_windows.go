package childprocess

import (
	"errors"
	"os"
	"syscall"
)

func ownGroup(attributes *syscall.SysProcAttr) {
	attributes.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// signalGroup always fails, so that the kill follows at once: Windows can't interrupt
// a single process.
func signalGroup(*os.Process, syscall.Signal) error { return errors.ErrUnsupported }

func killGroup(leader *os.Process) error { return leader.Kill() }
