package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// noCores makes sure that no core file of this process, nor of those that it
// starts, holds memory: a file has no size, and a handler that the kernel pipes a
// core to, for which that limit does not count, gets no mapping.
func noCores() error {
	var errs []error
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("limit core files: %w", err))
	}
	if err := os.WriteFile("/proc/self/coredump_filter", []byte("0"), 0); err != nil {
		errs = append(errs, fmt.Errorf("keep memory out of core files: %w", err))
	}
	return errors.Join(errs...)
}

// noTracing keeps other processes of the same user from this one's memory and
// environment. Its plugins, whose memory is measured, are in their own sandbox.
func noTracing() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid tracing: %w", err)
	}
	return nil
}
