//go:build unix && !linux

package main

import "syscall"

// childAttributes has a part be told to end by us, and not by the terminal.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
