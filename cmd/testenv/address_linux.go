package testenv

import (
	"fmt"
	"syscall"
)

// FreeAddress returns an address of this machine that stays free for a program that
// is told to listen there, as often as it is started, for as long as this process
// lives: a socket is bound to it that never listens. The kernel gives the port to
// nobody who asks for any, and lets a program have it that asks for this one with
// SO_REUSEADDR, as those written in Go do.
func FreeAddress() (string, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("reserve an address: %w", err)
	}
	port, err := reserve(fd)
	if err != nil {
		_ = syscall.Close(fd) // the first error says more
		return "", fmt.Errorf("reserve an address: %w", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port), nil
}

func reserve(fd int) (port int, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return name.(*syscall.SockaddrInet4).Port, nil
}
