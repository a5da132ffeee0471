//go:build unix && !linux

package host

import "syscall"

func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit has no portable way to wait without reaping. What is left of the
// group is then killed only if the host kills the plugin.
func awaitExit(int) bool { return false }
