package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// writeKubeconfig puts text where it can be opened by path again and again, from
// inside the sandbox too, which allows no file: into memory. It stays until the
// process ends.
func writeKubeconfig(text string) (path string, err error) {
	fd, err := unix.MemfdCreate("kubeconfig", unix.MFD_CLOEXEC)
	if err != nil {
		return "", fmt.Errorf("memfd_create: %w", err)
	}
	if n, err := unix.Write(fd, []byte(text)); err != nil || n != len(text) {
		return "", fmt.Errorf("write %d bytes of %d: %w", n, len(text), err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd), nil
}
