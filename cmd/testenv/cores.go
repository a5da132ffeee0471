package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
)

var coreLimit = regexp.MustCompile(`(?m)^Max core file size +0 +0 `)

// CoresOff returns an error if a core file of one of the processes would hold any
// memory. Those that have ended are left out.
func CoresOff(pids ...int) error {
	var errs []error
	for _, pid := range pids {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
		if err == nil && !coreLimit.Match(limits) {
			errs = append(errs, fmt.Errorf("process %d may write core files", pid))
		}
		errs = append(errs, unlessGone(err))
		filter, err := os.ReadFile(fmt.Sprintf("/proc/%d/coredump_filter", pid))
		if err == nil && len(bytes.Trim(filter, "0\n")) > 0 {
			errs = append(errs, fmt.Errorf("core files of process %d hold mappings %s", pid, bytes.TrimSpace(filter)))
		}
		errs = append(errs, unlessGone(err))
	}
	return errors.Join(errs...)
}

func unlessGone(err error) error {
	if gone(err) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}
