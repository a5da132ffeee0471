package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// newScratch makes the directory below which scratch directories are. It must be
// in memory: what is decrypted is written there.
func newScratch(base string) (*workDir, error) {
	if base == "" {
		base = systemScratch
	}
	if !inMemory(base) {
		return nil, failf(ErrUnavailable, "it needs a scratch directory in memory, and %q is none: mount a tmpfs (in a Pod an emptyDir with medium: Memory) and name it by --plugin-scratch-dir", base)
	}
	dir, err := newWorkDir(base)
	if err != nil {
		return nil, failf(ErrUnavailable, "it needs a scratch directory: %w", err)
	}
	return dir, nil
}

// makeScratch makes the process's own directory, if it was granted one.
func (p *process) makeScratch(h *Host) error {
	if !p.spec.Grants.Scratch {
		return nil
	}
	base, err := h.scratch()
	if err != nil {
		return err
	}
	h.usedScratch.Store(true)
	if p.scratch, err = os.MkdirTemp(base.path, "p"); err != nil {
		return failf(ErrUnavailable, "it needs a scratch directory: %w", err)
	}
	return nil
}

// removeScratch removes what all processes have left.
func (h *Host) removeScratch() error {
	if !h.usedScratch.Load() {
		return nil
	}
	base, err := h.scratch()
	if err != nil {
		return fmt.Errorf("removing scratch directories: %w", err)
	}
	return base.remove()
}

// wipe removes a directory, whatever modes its programs have left.
func wipe(dir string) {
	if dir == "" || os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o700) //nolint:gosec // a directory, and private
	})
	_ = os.RemoveAll(dir)
}

// sizeOf sums what files of a directory take.
func sizeOf(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it is being changed
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
