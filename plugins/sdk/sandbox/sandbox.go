// Package sandbox takes away from this process what it does not need: files,
// network, other programs, memory without end.
//
// Start with [Enter]. It cannot be undone. On Linux it uses Landlock, seccomp,
// resource limits and no_new_privs, each as far as the kernel has it, and says
// in [Status] what it could not have; elsewhere it does nothing and says so.
//
// The set of what is taken was found by experiment: Landlock alone still lets a
// process connect by multipath TCP, UDP or a unix socket's path, listen, set up
// io_uring, run code from a memfd, and trace its own user's processes.
package sandbox

import (
	"errors"
	"fmt"
	"strings"
)

// Grants are what a process may do beyond computing. The zero value grants
// nothing; a renderer or decrypter needs no more.
type Grants struct {
	// Network allows outgoing TCP and UDP, and reading what name resolution and
	// TLS need under /etc.
	Network bool `json:"network,omitempty"`
	// Files may be read, each with everything below it.
	Files []string `json:"files,omitempty"`
	// Write may be read and written, each with everything below it.
	Write []string `json:"write,omitempty"`
	// Exec allows starting programs that lie below Files. They inherit the
	// sandbox, and stay in the plugin's process group.
	Exec bool `json:"exec,omitempty"`
	// Scratch is a private directory in memory, to read and write in, and with
	// Exec to start programs in. ScratchDir says where it is: the host sets it.
	Scratch    bool   `json:"scratch,omitempty"`
	ScratchDir string `json:"scratchDir,omitempty"`
	// Memory bounds the data segment in bytes; 0 means [DefaultMemory].
	Memory uint64 `json:"memory,omitempty"`
	// Require makes Enter fail where something cannot be enforced.
	Require bool `json:"require,omitempty"`
}

const (
	// DefaultMemory is how much data a process may allocate.
	DefaultMemory = 1 << 30
	// addressSpace bounds all mappings. Go reserves 1.3 GB before it does
	// anything.
	addressSpace = 4 << 30
)

// ErrIncomplete says that a part of the sandbox was required and cannot be had.
var ErrIncomplete = errors.New("the sandbox is incomplete")

// String lists what is granted, for people.
func (g Grants) String() string {
	var granted []string
	if g.Network {
		granted = append(granted, "network")
	}
	if g.Exec {
		granted = append(granted, "exec")
	}
	if g.Scratch {
		granted = append(granted, "scratch directory")
	}
	if len(g.Files) > 0 {
		granted = append(granted, "read "+strings.Join(g.Files, " "))
	}
	if len(g.Write) > 0 {
		granted = append(granted, "write "+strings.Join(g.Write, " "))
	}
	if granted == nil {
		return "nothing"
	}
	return strings.Join(granted, ", ")
}

// MemoryLimit is the bound on the data segment in bytes.
func (g Grants) MemoryLimit() uint64 {
	if g.Memory == 0 {
		return DefaultMemory
	}
	return g.Memory
}

// Covers returns an error that names what needs asks for beyond g.
func (g Grants) Covers(needs Grants) error {
	var missing []string
	if needs.Network && !g.Network {
		missing = append(missing, "the network")
	}
	if needs.Exec && !g.Exec {
		missing = append(missing, "starting programs")
	}
	if needs.Scratch && !g.Scratch {
		missing = append(missing, "a scratch directory")
	}
	missing = append(missing, outside(needs.Files, append(g.Files[:len(g.Files):len(g.Files)], g.Write...))...)
	missing = append(missing, outside(needs.Write, g.Write)...)
	if missing != nil {
		return fmt.Errorf("it needs %s, which was not granted", strings.Join(missing, " and "))
	}
	return nil
}

func outside(paths, roots []string) (missing []string) {
	for _, path := range paths {
		if !below(path, roots) {
			missing = append(missing, path)
		}
	}
	return missing
}

func below(path string, roots []string) bool {
	for _, root := range roots {
		if path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/") {
			return true
		}
	}
	return false
}

// Status says what is in force.
type Status struct {
	// By names what confines the process: "landlock 7", "seccomp", ...
	By []string
	// Missing are sentences about what could not be had, and why.
	Missing []string
}

func (s *Status) note(what string, err error) {
	if err != nil {
		s.Missing = append(s.Missing, fmt.Sprintf("%s: %v", what, err))
		return
	}
	s.By = append(s.By, what)
}

// Enter confines the whole process, all its threads, for good. Its error is
// ErrIncomplete, and only if g.Require.
func Enter(g Grants) (Status, error) {
	status := enter(g)
	if g.Require && len(status.Missing) > 0 {
		return status, fmt.Errorf("%w: %s", ErrIncomplete, strings.Join(status.Missing, "; "))
	}
	return status, nil
}
