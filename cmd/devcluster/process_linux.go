package main

import "syscall"

// childAttributes puts a child in a process group of its own, so that Ctrl-C
// reaches devcluster alone and the parts stop in order, and has the kernel kill
// it should devcluster be killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
