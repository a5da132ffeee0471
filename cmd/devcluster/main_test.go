package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runVariable makes the test binary be devcluster, for its own children too.
const runVariable = "DEVCLUSTER_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// devcluster is a command line of devcluster, run in a process of its own.
func devcluster(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runVariable+"=1")
	return cmd
}

func TestCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args           string
		status         int
		stdout, stderr string // parts of them; empty is silence
	}{
		{"", 0, "Exit status:", ""},
		{"--help", 0, "devcluster up --dir /tmp/dev", ""},
		{"up --help", 0, "Exit status:", ""},
		{"dump --help", 0, "Exit status:", ""},
		{"version", 0, "Kubernetes v", ""},
		{"upp", 2, "", `"upp"`},
		{"up", 2, "", "--dir is required"},
		{"up --dir d --prot 1", 2, "", "unknown flag: --prot"},
		{"up --dir d --port x", 2, "", "invalid argument"},
		{"up --dir d --port 65536", 2, "", "65536: not a port"},
		{"up --dir d --audit-policy p", 2, "", "without --audit-log"},
		{"up --dir d extra", 2, "", `"extra"`},
		{"up --dir " + file, 1, "", "not a directory"},
		{"dump", 2, "", "--dir is required"},
		{"dump --dir " + t.TempDir(), 1, "", "no cluster is running"},
		{"component", 2, "", "no component named"},
		{"component kubelet", 2, "", `unknown component "kubelet"`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			cmd := devcluster(strings.Fields(tt.args)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != tt.status {
				t.Errorf("exit status %d, want %d", got, tt.status)
			}
			checkText(t, "stdout", stdout.String(), tt.stdout)
			checkText(t, "stderr", stderr.String(), tt.stderr)
		})
	}
}

// checkText wants text to contain a part, or to be empty if that is.
func checkText(t *testing.T, name, text, part string) {
	t.Helper()
	if part == "" && text != "" || !strings.Contains(text, part) {
		t.Errorf("%s:\n%s\nwant in it: %q", name, text, part)
	}
}

func TestTail(t *testing.T) {
	var long strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&long, "line %d\n", i)
	}
	for _, tt := range []struct{ name, log, want string }{
		{"empty", "", ""},
		{"short", "a\nb\n", "a\nb"},
		{"no newline at the end", "a\nb", "a\nb"},
		{"long", long.String(), "line 1990\nline 1991\nline 1992\nline 1993\nline 1994\nline 1995\nline 1996\nline 1997\nline 1998\nline 1999"},
		{"one endless line", strings.Repeat("x", 10000), strings.Repeat("x", 4096)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(tt.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := tail(path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
