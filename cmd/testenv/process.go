package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// start runs cmd with its output appended to the file log.
func start(name string, cmd *exec.Cmd, log string) (*process.Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the process has its own
	cmd.Stdout, cmd.Stderr = file, file
	return process.Start(name, cmd, func() string {
		return fmt.Sprintf("the end of its log %s:\n%s", log, Tail(log, 20))
	})
}

// Tail returns the last lines of a file, for reports of a failure.
func Tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || len(content) == 0 {
		return "(nothing)"
	}
	if err != nil {
		return "(" + err.Error() + ")"
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
