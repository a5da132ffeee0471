// Package process runs a program as long as it is wanted, and not longer: the
// kernel ends it should this process be killed.
//
// Start with [Start].
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// patience is how long a process that was asked to end may take.
const patience = time.Minute

// A Process is a program that runs until it is stopped.
type Process struct {
	name   string
	said   func() string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended and was reaped
	group  errgroup.Group
}

// Start runs cmd. What said returns of its output stands in errors about it.
func Start(name string, cmd *exec.Cmd, said func() string) (*Process, error) {
	cmd.SysProcAttr = childAttributes()
	p := &Process{name: name, said: said, cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	p.group.Go(func() error {
		// The kernel ends a child with the thread that started it, see
		// childAttributes: this one stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
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

// Stop asks the process to end and waits until it has. It returns an error if
// the process did not end by itself in time, or not with status 0.
func (p *Process) Stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("%s: still there %s after SIGTERM, killed; %s", p.name, patience, p.said())
	}
	if err := p.group.Wait(); err != nil {
		return fmt.Errorf("%s: %w; %s", p.name, err, p.said())
	}
	return nil
}

// Kill ends the process at once (SIGKILL) and waits until it has ended.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

func (p *Process) signal(s os.Signal) {
	// The only error is that the process has ended.
	_ = p.cmd.Process.Signal(s)
}

// PID is that of the process, and of the session that it leads.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended, however that came.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// AwaitUp calls up until it reports true. It fails if the process ends before, or
// ctx does.
func (p *Process) AwaitUp(ctx context.Context, up func(context.Context) bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if up(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready; %s", p.name, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; %s", p.name, context.Cause(ctx), p.said())
		}
	}
}
