package host

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	workDirPattern = "tidelock-plugins-*"
	processPattern = "p*"
	// maxSocket is how long a socket's path may be.
	maxSocket = 107
	// longestSocket is a socket's path in a work directory: that of a process, then
	// one of go-plugin with a name and the socket in it. Where a pattern has its
	// star stand up to ten digits.
	longestSocket = "/" + workDirPattern + nine + "/" + processPattern + nine + "/plugin-dir*" + nine + "/plugin*" + nine
	nine          = "123456789"
	// maxBase is how long the path of a directory may be so that the sockets in it
	// are not too long.
	maxBase = maxSocket - len(longestSocket)
)

// tries bounds how often a directory is made that another host takes for one of
// the dead.
const tries = 10

// workDir is a private directory that no two hosts share. A lock on it tells the
// next host whether its owner still lives, so that what a killed host left
// behind is removed.
type workDir struct {
	path string
	lock *os.File
}

// newSocketDir makes the directory for sockets in base, or where temporary files
// belong if that is "" and the path not too long for it.
func newSocketDir(base string) (*workDir, error) {
	if base == "" {
		base = os.TempDir()
		if len(base) > maxBase {
			base = "/tmp"
		}
	}
	if len(base) > maxBase {
		return nil, fmt.Errorf("the path of a directory for sockets may have %d bytes, and %s has %d", maxBase, base, len(base))
	}
	return newWorkDir(base)
}

func newWorkDir(base string) (*workDir, error) {
	sweep(base)
	for try := 1; ; try++ {
		dir, err := claimDir(base)
		if err == nil || try == tries {
			return dir, err
		}
	}
}

// claimDir makes a directory and locks it. A host that sweeps in between takes it
// for one whose owner is dead, and removes it: that is an error.
func claimDir(base string) (*workDir, error) {
	path, err := os.MkdirTemp(base, workDirPattern)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(path)
	if err != nil {
		os.RemoveAll(path)
		return nil, err
	}
	if _, err := os.Lstat(path); err != nil {
		lock.Close()
		return nil, err
	}
	return &workDir{path, lock}, nil
}

// lockDir takes the lock on a directory, without waiting.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweep removes directories whose owner is dead.
func sweep(base string) {
	paths, err := filepath.Glob(filepath.Join(base, workDirPattern))
	if err != nil {
		return
	}
	for _, path := range paths {
		if !ours(path) {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			os.RemoveAll(path)
			lock.Close()
		}
	}
}

func (d *workDir) remove() error {
	defer d.lock.Close()
	return os.RemoveAll(d.path)
}

// ours says whether this user made the directory.
func ours(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && int(st.Uid) == os.Getuid() && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
