package process

import "syscall"

// childAttributes puts a child in a session of its own, so that Ctrl-C does not
// reach it and all it starts can be told by the session, and has the kernel stop
// it should this process be killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}
