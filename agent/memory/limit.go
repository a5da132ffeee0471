// Package memory knows how much memory this program may use.
//
// Start with [Limit], which reads what the kernel says, and [Obey].
package memory

import (
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// share of the limit is for this program. The rest is for the processes of plugins,
// which are in the same cgroup, and for the kernel, which counts cached files.
const share = 0.6

// Obey has the garbage collector keep to a share of the limit of the cgroup, and
// returns the limit; 0 if there is none. What GOMEMLIMIT says counts before it.
func Obey() (limit int64) {
	limit = Limit(os.DirFS("/"))
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(share * float64(limit)))
	}
	return limit
}

// Limit returns the least limit of the cgroups that this process is in, of version 1
// or 2; 0 if there is none. Root is the whole file system.
func Limit(root fs.FS) int64 {
	own, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	var least int64
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(parts) != 3 {
			continue
		}
		var mount, file string
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case hasWord(parts[1], "memory"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		if limit := leastOf(root, mount, parts[2], file); limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	return least
}

func hasWord(list, word string) bool {
	for _, w := range strings.Split(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// leastOf looks at a cgroup and at those around it. In a container the path may be that
// of the host, of which only the mount itself can be seen.
func leastOf(root fs.FS, mount, group, file string) int64 {
	var least int64
	for dir := path.Join(mount, path.Clean("/"+group)); ; dir = path.Dir(dir) {
		if limit := read(root, path.Join(dir, file)); limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
		if len(dir) <= len(mount) {
			return least
		}
	}
}

// unlimited is beyond what any machine has: version 1 writes a huge number for none.
const unlimited = 1 << 60

// read reads a limit; 0 if there is none.
func read(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit >= unlimited { // "max"
		return 0
	}
	return limit
}
