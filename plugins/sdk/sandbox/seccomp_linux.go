package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Calls that no plugin needs, whatever it was granted.
var never = []string{
	"listen", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"setsid", "setpgid", // what is started must not leave the group by which it is killed
	"memfd_create", "memfd_secret", "userfaultfd", "bpf", "perf_event_open", "open_by_handle_at", "name_to_handle_at",
	"unshare", "setns", "mount", "umount2", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "mount_setattr", "pivot_root", "chroot",
	"setrlimit", "add_key", "request_key", "keyctl", "personality", "fanotify_init", "quotactl", "acct", "swapon", "swapoff", "reboot",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "setuid", "setgid", "setresuid", "setresgid", "setgroups", "capset",
	"shmget", "shmat", "msgget", "semget", "mq_open",
}

// filterCalls denies system calls on every thread. A denied call fails with
// EPERM, so that a library which only tries goes on.
func filterCalls(g Grants, signalsScoped bool) error {
	info, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: groups(g, info, signalsScoped)}
	program, err := policy.Assemble()
	if err != nil {
		return err
	}
	return load(append(onlyNative(info), program...))
}

func groups(g Grants, info *arch.Info, signalsScoped bool) []seccomp.SyscallGroup {
	eperm := seccomp.ActionErrno | seccomp.Action(unix.EPERM)
	names := slices.Clone(never)
	conditions := []seccomp.NameWithConditions{
		// prlimit64 may read the process's own limits.
		{Name: "prlimit64", Conditions: seccomp.ArgumentConditions{{Argument: 2, Operation: seccomp.NotEqual, Value: 0}}},
	}
	// Programs may end each other where Landlock keeps them from all others.
	if !g.Exec || !signalsScoped {
		names = append(names, "kill", "tkill")
		conditions = append(conditions, seccomp.NameWithConditions{
			Name:       "tgkill",
			Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.NotEqual, Value: uint64(os.Getpid())}}, //nolint:gosec // is positive
		})
	}
	if g.Network {
		conditions = append(conditions, foreignFamilies()...)
	} else {
		names = append(names, "socket", "connect", "bind", "socketpair")
	}
	if !g.Exec {
		names = append(names, "execve", "execveat", "fork", "vfork")
		conditions = append(conditions, seccomp.NameWithConditions{
			Name:       "clone",
			Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsNotSet, Value: unix.CLONE_THREAD}},
		})
	}
	unknown := func(name string) bool { _, ok := info.SyscallNames[name]; return !ok }
	names = slices.DeleteFunc(names, unknown)
	return []seccomp.SyscallGroup{
		{Action: eperm, Names: names, NamesWithCondtions: conditions},
		// Its flags lie in memory, where a filter cannot look: callers fall back to clone.
		{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: slices.DeleteFunc([]string{"clone3"}, unknown)},
	}
}

// foreignFamilies allows sockets of the internet only: a unix socket may lead to
// a container runtime or to the host.
func foreignFamilies() []seccomp.NameWithConditions {
	argument := func(op seccomp.Operation, n uint64) seccomp.Condition {
		return seccomp.Condition{Argument: 0, Operation: op, Value: n}
	}
	return []seccomp.NameWithConditions{
		{Name: "socket", Conditions: seccomp.ArgumentConditions{argument(seccomp.NotEqual, unix.AF_INET), argument(seccomp.NotEqual, unix.AF_INET6)}},
		{Name: "socketpair", Conditions: seccomp.ArgumentConditions{argument(seccomp.NotEqual, unix.AF_UNIX)}},
	}
}

// onlyNative denies the calling conventions of other architectures (int 0x80 on
// amd64), whose numbers the rest of the filter does not know.
func onlyNative(info *arch.Info) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4}, // seccomp_data.arch
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(seccomp.ActionErrno) | uint32(unix.ENOSYS)},
	}
}

func load(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	if len(raw) > math.MaxUint16 {
		return errors.New("the filter is too long")
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	//nolint:gosec // checked above
	prog := unix.SockFprog{Len: uint16(len(raw)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog))) //nolint:gosec // as the call wants it
	if errno != 0 {
		return fmt.Errorf("the kernel has none, or does not permit it (%w): system calls, and with them the network, are not confined", errno)
	}
	if thread != 0 {
		return errors.New("a thread could not be confined")
	}
	return nil
}
