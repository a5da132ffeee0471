package sandbox

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// netFiles is what Go's resolver and crypto/x509 read.
var netFiles = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/gai.conf",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
}

// enter goes from the weakest to the strongest, since seccomp forbids the means
// of the others.
func enter(g Grants) (status Status) {
	status.note("resource limits", limit(g))
	version, err := confineFiles(g)
	status.note(fmt.Sprintf("landlock %d", version), err)
	status.note("seccomp", filterCalls(g))
	return status
}

// confineFiles sets no_new_privs too, on every thread.
func confineFiles(g Grants) (version int, err error) {
	version, err = llsyscall.LandlockGetABIVersion()
	if err != nil || version < 1 {
		if err := llsyscall.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return 0, err
		}
		return 0, errors.New("the kernel has none, files are not confined")
	}
	paths := g.Files
	if g.Network {
		paths = append(paths[:len(paths):len(paths)], netFiles...)
	}
	rules := append(readable(paths, g.Exec), landlock.RWDirs(g.Write...).IgnoreIfMissing())
	config := landlock.V11.BestEffort()
	if !g.Network {
		return version, config.Restrict(rules...)
	}
	if err := config.RestrictPaths(rules...); err != nil {
		return version, err
	}
	return version, config.RestrictScoped()
}

// readable allows reading, and executing if exec is set. Landlock refuses a
// whole rule set if a right of directories is asked for on a file.
func readable(paths []string, exec bool) []landlock.Rule {
	var file, dir landlock.AccessFSSet = llsyscall.AccessFSReadFile, llsyscall.AccessFSReadFile | llsyscall.AccessFSReadDir
	if exec {
		file, dir = file|llsyscall.AccessFSExecute, dir|llsyscall.AccessFSExecute
	}
	var rules []landlock.Rule
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue // what is not there cannot be read
		}
		access := file
		if info.IsDir() {
			access = dir
		}
		rules = append(rules, landlock.PathAccess(access, path).IgnoreIfMissing())
	}
	return rules
}

func limit(g Grants) error {
	memory := g.Memory
	if memory == 0 {
		memory = DefaultMemory
	}
	limits := map[int]uint64{
		unix.RLIMIT_CORE: 0, // a core dump holds secrets
		unix.RLIMIT_DATA: memory,
		unix.RLIMIT_AS:   max(addressSpace, 2*memory),
	}
	if shadowMemory {
		delete(limits, unix.RLIMIT_DATA)
		delete(limits, unix.RLIMIT_AS)
	}
	if len(g.Write) == 0 {
		limits[unix.RLIMIT_FSIZE] = 0
	}
	for resource, n := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	return nil
}
