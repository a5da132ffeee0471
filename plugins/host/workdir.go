package host

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	workDirPattern = "tidelock-plugins-*"
	// maxBase is how long the path of a directory may be so that a socket in it,
	// some levels down, still fits into the 107 bytes that a socket's path has.
	maxBase = 36
)

// workDir is a private directory that no two hosts share. A lock on it tells the
// next host whether its owner still lives, so that what a killed host left
// behind is removed.
type workDir struct {
	path string
	lock *os.File
}

func newWorkDir(base string) (*workDir, error) {
	if base == "" {
		base = os.TempDir()
		if len(base) > maxBase {
			base = "/tmp"
		}
	}
	sweep(base)
	path, err := os.MkdirTemp(base, workDirPattern)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(path)
	if err != nil {
		os.RemoveAll(path)
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
