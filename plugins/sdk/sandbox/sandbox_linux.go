package sandbox

import (
	"cmp"
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

// devices are what programs expect to be there.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// signalsScoped is the version of Landlock that keeps signals within the sandbox.
const signalsScoped = 6

// enter goes from the weakest to the strongest, since seccomp forbids the means
// of the others.
func enter(g Grants) (status Status) {
	status.note("resource limits", limit(g))
	version, err := confineFiles(g)
	if err != nil {
		status.note("landlock", err)
	} else {
		status.note(fmt.Sprintf("landlock %d", version), nil)
	}
	status.note("seccomp", filterCalls(g, err == nil && version >= signalsScoped))
	return status
}

// confineFiles sets no_new_privs too, on every thread.
func confineFiles(g Grants) (version int, err error) {
	version, err = llsyscall.LandlockGetABIVersion()
	if err != nil || version < 1 {
		if err := llsyscall.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("the kernel has none, or it is off (%w): files are not confined", cmp.Or(err, error(unix.ENOSYS)))
	}
	paths := g.Files
	if g.Network {
		paths = append(paths[:len(paths):len(paths)], netFiles...)
	}
	if g.ScratchDir != "" {
		paths = append(paths[:len(paths):len(paths)], g.ScratchDir)
	}
	rules := append(readable(paths, g.Exec), landlock.RWDirs(g.writable()...).WithRefer().IgnoreIfMissing())
	if g.Exec {
		rules = append(rules, landlock.RWFiles(devices...).IgnoreIfMissing())
	}
	config := landlock.V11.BestEffort()
	if !g.Network {
		return version, config.Restrict(rules...)
	}
	if err := config.RestrictPaths(rules...); err != nil {
		return version, err
	}
	return version, config.RestrictScoped()
}

// writable are the directories to write in.
func (g Grants) writable() []string {
	if g.ScratchDir == "" {
		return g.Write
	}
	return append(g.Write[:len(g.Write):len(g.Write)], g.ScratchDir)
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
	memory := g.MemoryLimit()
	limits := map[int]uint64{
		unix.RLIMIT_CORE: 0, // a core dump holds secrets
		unix.RLIMIT_DATA: memory,
		unix.RLIMIT_AS:   max(addressSpace, 2*memory),
	}
	if shadowMemory {
		delete(limits, unix.RLIMIT_DATA)
		delete(limits, unix.RLIMIT_AS)
	}
	switch {
	case len(g.Write) > 0:
	case g.ScratchDir != "":
		limits[unix.RLIMIT_FSIZE] = memory // files there are memory
	default:
		limits[unix.RLIMIT_FSIZE] = 0
	}
	for resource, n := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	return nil
}
