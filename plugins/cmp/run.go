package cmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

const (
	// maxOutput is how much a command may print. What the host allows of
	// documents is less, or can be.
	maxOutput = 64 << 20
	// maxStderr is how much of what a command says is in its error: the end.
	maxStderr = 2 << 10
	// lingering is how long to wait for what holds a finished command's output.
	lingering = time.Second
)

// A session runs the commands of one call.
type session struct {
	config    Config
	workspace *sdk.Workspace
	dir       string
	env       map[string]string
}

// run runs a command and returns what it printed. When the call is over time,
// the host kills this process with all that it has started.
func (s *session) run(ctx context.Context, step string, argv []string) ([]byte, error) {
	program, err := s.find(argv[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	stdout, stderr := &limited{left: maxOutput}, &tail{}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = s.dir, pairs(s.env), stdout, stderr, lingering
	err = cmd.Run()
	switch {
	case stdout.over:
		return nil, fmt.Errorf("%s: %w: it printed more than %d MiB", step, wire.ErrLimit, maxOutput>>20)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil, fmt.Errorf("%s: %s has ended, and a program that it left running holds its output", step, argv[0])
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: %s may not be started: %s", step, program, whyNot(program))
	case err != nil:
		return nil, fmt.Errorf("%s: %s: %w%s", step, argv[0], err, s.said(stderr))
	}
	return stdout.kept.Bytes(), nil
}

// whyNot says what keeps a program from being started.
func whyNot(program string) string {
	if filepath.IsAbs(program) {
		return "grants.read of the plugin must name it, or a directory above"
	}
	return "it must be executable in the commit, spec.preserveFileMode be set, and the scratch directory not be mounted noexec"
}

// said is what a command had to say, and which files it may have missed.
func (s *session) said(stderr *tail) string {
	text := strings.TrimSpace(s.redact(stderr.String()))
	if text != "" {
		text = ": " + text
	}
	const most = 3
	var missing []string
	for i, m := range s.workspace.Missing {
		if i == most {
			missing = append(missing, fmt.Sprintf("and %d more", len(s.workspace.Missing)-i))
			break
		}
		missing = append(missing, m.Error())
	}
	if missing == nil {
		return text
	}
	return text + " (not in its copy of the repository: " + strings.Join(missing, "; ") + ")"
}

// redact hides what the plugin's own environment holds, which may be a token.
func (s *session) redact(text string) string {
	const shortest = 6
	for name, value := range s.config.Env {
		if len(value) >= shortest && name != "PATH" {
			text = strings.ReplaceAll(text, value, "(hidden)")
		}
	}
	return text
}

// find finds a program as a shell does.
func (s *session) find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil // from the directory, if it is relative
	}
	dirs := filepath.SplitList(s.env["PATH"])
	for _, dir := range dirs {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no program %q in %s", name, strings.Join(slices.Compact(dirs), ", "))
}

// limited keeps what is written, up to a limit.
type limited struct {
	kept bytes.Buffer
	left int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		l.over = true
		l.kept.Reset()
		return 0, wire.ErrLimit
	}
	return l.kept.Write(p)
}

// tail keeps the end of what is written.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-maxStderr):]...)
	if n := len(t.text) - maxStderr; n > 0 {
		t.text = append([]byte("…"), t.text[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.text) }
