package childprocess

import "syscall"

// dieWithParent leaves no child behind when the parent is killed.
func dieWithParent(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}
