package git

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// open opens what is at a resolved path, on which no component is a link, in one
// call of the kernel. What that does not do, os.Root does, one component at a time.
func (s *disk) open(name string) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(s.top.Fd()), name, &how)
	if err != nil {
		return s.base.Open(name)
	}
	return os.NewFile(uintptr(fd), filepath.Join(s.base.Name(), name)), nil
}
