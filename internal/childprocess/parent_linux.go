package childprocess

import "syscall"

// dieWithParent signals the child when its parent dies.
func dieWithParent(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}
