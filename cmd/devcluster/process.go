package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopGrace is how long a part may take to stop before it is killed. All state
// is in etcd, which stops last, so nothing is lost by the kill.
const stopGrace = 5 * time.Second

// family is the processes of one cluster. When one ends unasked, the context
// that newFamily returned is cancelled, and stop says which it was.
type family struct {
	dir     *directory
	cancel  context.CancelFunc
	group   *errgroup.Group
	running []*process
}

func newFamily(ctx context.Context, dir *directory) (*family, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	return &family{dir: dir, cancel: cancel, group: group}, ctx
}

// process is one part of the control plane: this binary again, as a child.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string // path
	asked atomic.Bool
	ended chan struct{} // closed once it has ended
}

// start runs a part as a child process with files as its descriptors 3 and up.
// It returns once the process exists.
func (f *family) start(name string, args []string, files ...*os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(f.dir.file(logsDir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()

	p := &process{name: name, log: log.Name(), ended: make(chan struct{})}
	p.cmd = exec.Command(self, append([]string{componentName, name}, args...)...) //nolint:noctx // stop ends the parts, in order
	p.cmd.Dir = f.dir.path
	p.cmd.Env = environment()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.ExtraFiles = files
	p.cmd.SysProcAttr = childAttributes()

	started := make(chan error)
	f.group.Go(func() error { return p.run(started) })
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	f.running = append(f.running, p)
	return nil
}

// stop cancels the context, ends the processes, the last started first, and
// returns the error of the first that had ended by itself.
func (f *family) stop() error {
	f.cancel()
	for _, p := range slices.Backward(f.running) {
		p.stop()
	}
	return f.group.Wait()
}

// kill ends the processes at once. It is for stop to wait for them.
func (f *family) kill() {
	for _, p := range slices.Backward(f.running) {
		p.asked.Store(true)
		_ = p.cmd.Process.Kill() // the only error is that it has ended
	}
}

// run starts the process, reports on started whether that went well, and waits
// for its end. It keeps its thread, because the kernel takes the end of the
// thread that started a child for the end of the parent.
func (p *process) run(started chan<- error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)

	err := p.cmd.Start()
	started <- err
	if err != nil {
		return nil // start returns it
	}
	err = p.cmd.Wait()
	if p.asked.Load() {
		return nil
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	return fmt.Errorf("%s died: %w; the end of %s:\n%s", p.name, err, p.log, tail(p.log))
}

func (p *process) stop() {
	p.asked.Store(true)
	// The only error of both is that the process has ended.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// environment is that of a part. Memory is collected more seldom than usual, but for a
// part that has much, unless somebody says how often: clusters that live for a test spend
// a fifth of their time on that.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), readByEtcd)
	if _, said := os.LookupEnv("GOGC"); !said {
		env = append(env, "GOGC=400", "GOMEMLIMIT=2GiB")
	}
	return env
}

// readByEtcd reports whether a variable would reconfigure etcd behind our back.
func readByEtcd(variable string) bool { return strings.HasPrefix(variable, "ETCD_") }

// tail returns the last lines of a log, 4 KiB at most.
func tail(path string) string {
	const limit, lines = 4 << 10, 10
	log, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return err.Error()
	}
	end := make([]byte, limit)
	n, _ := log.ReadAt(end, max(0, info.Size()-limit))
	all := bytes.Split(bytes.TrimSpace(end[:n]), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
