//go:build !linux

package process

import "syscall"

// childAttributes puts a child in a session of its own, so that Ctrl-C does not
// reach it.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
