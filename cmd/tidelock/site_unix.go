//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// A site is where a process runs, and nobody else at the same time: it holds a lock of
// the directory that no two pods share. A process that begins there knows that the one
// before has ended.
type site struct {
	name string // "" if somebody else is there
	lock *os.File
}

// takeSite takes the site of a directory, until the process ends.
func takeSite(host, dir string) *site {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &site{}
	}
	lock, err := os.OpenFile(filepath.Join(dir, "replica.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &site{}
	}
	var is syscall.Stat_t
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || syscall.Fstat(int(lock.Fd()), &is) != nil {
		_ = lock.Close()
		return &site{}
	}
	return &site{fmt.Sprintf("%s:%s:%d:%d", host, dir, is.Dev, is.Ino), lock}
}
