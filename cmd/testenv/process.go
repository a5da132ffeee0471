package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// patience is how long a process that was asked to end may take.
const patience = time.Minute

// process is a program that runs until it is stopped.
type process struct {
	name   string
	log    string // path of the file that has what it prints
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended and was reaped
	group  errgroup.Group
}

// start runs cmd with its output appended to the file log.
func start(name string, cmd *exec.Cmd, log string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = childAttributes()
	p := &process{name: name, log: log, cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	p.group.Go(func() error {
		// The kernel ends a child with the thread that started it, see
		// childAttributes: this one stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer file.Close()
		err := cmd.Start()
		started <- err
		if err != nil {
			return nil
		}
		defer close(p.exited)
		return cmd.Wait()
	})
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// stop asks the process to end and waits until it has. It returns an error if
// the process did not end by itself in time, or not with status 0.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s: still there %s after SIGTERM, killed; its log: %s", p.name, patience, p.log)
	}
	if err := p.group.Wait(); err != nil {
		return fmt.Errorf("%s: %w; its log: %s", p.name, err, p.log)
	}
	return nil
}

// kill ends the process at once (SIGKILL) and waits until it has ended.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

func (p *process) signal(s os.Signal) {
	// The only error is that the process has ended.
	_ = p.cmd.Process.Signal(s)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// awaitUp calls up until it reports true. It fails if the process ends before, or
// ctx does.
func (p *process) awaitUp(ctx context.Context, up func(context.Context) bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if up(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready; the end of its log %s:\n%s", p.name, p.log, Tail(p.log, 20))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; the end of its log %s:\n%s", p.name, context.Cause(ctx), p.log, Tail(p.log, 20))
		}
	}
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
