package devserver

import "syscall"

// dieWithParent leaves no server behind when the parent is killed. SQLite bears
// a kill, so the state file does too.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
