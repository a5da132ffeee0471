//go:build !linux

package testenv

import "net"

// FreeAddress returns an address that nobody listens on just now.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
