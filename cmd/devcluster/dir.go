package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Names of the files under --dir. The parts run with that directory as their
// working directory and are given these relative names: a unix socket's path
// may hold 107 bytes at most, and a test's temporary directory alone can exceed
// that.
const (
	kubeconfigFile = "kubeconfig"
	lockFile       = "lock"
	etcdData       = "etcd"
	etcdSocket     = "etcd.sock"
	etcdPeerSocket = "etcd-peer.sock"
	credentialsDir = "credentials"
	configDir      = "config"
	logsDir        = "logs"
)

// directory is the --dir of a cluster, locked by this process.
type directory struct {
	path string // absolute
	lock *os.File
}

// openDirectory makes the directory if it is not there, and locks it. The lock
// ends with the process, however that ends.
func openDirectory(name string) (*directory, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"", configDir, logsDir, etcdData} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another devcluster is running there")
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return &directory{path: path, lock: lock}, nil
}

func (d *directory) Close() error { return d.lock.Close() }

// file is the absolute path of a file in the directory.
func (d *directory) file(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// write puts a private file in place at once: readers see all of it or nothing.
func (d *directory) write(name string, content []byte) error {
	path := d.file(name)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
