package pluginstest

import (
	"fmt"
	"os"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Parts of the sandbox, by the system call without which a kernel has none.
const (
	Landlock = "landlock_create_ruleset"
	Seccomp  = "seccomp"
)

// WithoutVerb runs a program on a kernel that lacks system calls:
// "without CALL[,CALL...] PROGRAM ARGS...".
const WithoutVerb = "without"

// Without does what WithoutVerb says, and returns only if it cannot. The kernel
// itself does not know the calls from then on, as far as this process can tell and
// all that come of it: they fail with ENOSYS, as on a kernel that is older.
func Without(calls string, command ...string) error {
	filter := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{{
			Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: strings.Split(calls, ","),
		}},
	}}
	if err := seccomp.LoadFilter(filter); err != nil {
		return fmt.Errorf("take %s from the kernel: %w", calls, err)
	}
	return unix.Exec(command[0], command, os.Environ())
}
