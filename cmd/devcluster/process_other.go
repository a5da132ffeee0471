//go:build unix && !linux

package main

import "syscall"

// childAttributes puts a child in a process group of its own, so that Ctrl-C
// reaches devcluster alone and the parts stop in order. Only Linux can tie a
// child's life to its parent's.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
