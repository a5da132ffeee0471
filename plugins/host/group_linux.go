package host

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// systemScratch is a file system in memory that most systems have.
const systemScratch = "/dev/shm"

// inMemory says whether a directory is on no disk.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return false
	}
	return st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC
}

// group counts the processes of a process group, and the memory that each has
// for itself.
func group(leader int) (count int, memory int64) {
	dir, err := os.Open("/proc")
	if err != nil {
		return 0, 0
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 0, 0
	}
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' || groupOf(name) != leader {
			continue
		}
		count++
		memory += ownMemory(name)
	}
	return count, memory
}

// groupOf reads a process's group: the third field after its name, which may
// hold anything.
func groupOf(pid string) int {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return 0
	}
	n, err := strconv.Atoi(string(fields[2]))
	if err != nil {
		return 0
	}
	return n
}

// ownMemory is what is resident, less what is shared with files.
func ownMemory(pid string) int64 {
	statm, err := os.ReadFile("/proc/" + pid + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 3 {
		return 0
	}
	resident, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	shared, err := strconv.ParseInt(string(fields[2]), 10, 64)
	if err != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}
