//go:build unix

package shelf

import (
	"io/fs"
	"os"
	"syscall"
)

// isMine says whether a file is that of the user who runs this.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
