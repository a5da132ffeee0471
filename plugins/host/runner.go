package host

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxGreeting is how long a plugin's first line on stdout may be.
const maxGreeting = 16 << 10

// A runner runs one process, as go-plugin wants it run: in a process group of
// its own that dies with the host, stdin empty.
type runner struct {
	cmd            *exec.Cmd
	stdout, stderr *os.File // reading ends
	writers        []*os.File

	started chan error
	done    chan struct{} // closed when the process was reaped
	state   *os.ProcessState

	mu   sync.Mutex // guards live
	live bool       // the pid is ours
}

func newRunner(cmd *exec.Cmd) (*runner, error) {
	r := &runner{cmd: cmd, started: make(chan error, 1), done: make(chan struct{})}
	stdout, outWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, errWriter, err := os.Pipe()
	if err != nil {
		stdout.Close()
		outWriter.Close()
		return nil, err
	}
	r.stdout, r.stderr, r.writers = stdout, stderr, []*os.File{outWriter, errWriter}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, outWriter, errWriter
	cmd.SysProcAttr = processGroup()
	return r, nil
}

// run starts the process and reaps it. It keeps its thread: Linux kills a child
// with the thread that started it.
func (r *runner) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.start()
	r.started <- err
	if err != nil {
		r.stdout.Close()
		r.stderr.Close()
		close(r.done)
		return
	}
	if awaitExit(r.cmd.Process.Pid) {
		r.kill() // what is left of the group, while the pid is still taken
		r.forget()
	}
	// The error says no more than the state does.
	_ = r.cmd.Wait()
	r.forget()
	r.state = r.cmd.ProcessState
	// A descendant that left the group may hold the pipes: do not wait for it.
	limit := time.Now().Add(time.Second)
	_ = r.stdout.SetReadDeadline(limit)
	_ = r.stderr.SetReadDeadline(limit)
	close(r.done)
}

func (r *runner) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.cmd.Start()
	for _, w := range r.writers {
		w.Close()
	}
	r.live = err == nil
	return err
}

// forget notes that the pid may soon be somebody else's.
func (r *runner) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = false
}

// kill kills the whole group.
func (r *runner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live {
		_ = unix.Kill(-r.cmd.Process.Pid, unix.SIGKILL)
	}
}

// close lets go of the pipes, which nobody reads any more: go-plugin leaves that to who
// made them.
func (r *runner) close() {
	r.stdout.Close()
	r.stderr.Close()
}

// Start, and the methods below, are what go-plugin asks of a runner.
func (r *runner) Start(context.Context) error     { return <-r.started }
func (r *runner) Wait(context.Context) error      { <-r.done; return nil }
func (r *runner) Kill(context.Context) error      { r.kill(); return nil }
func (r *runner) Stdout() io.ReadCloser           { return &greeting{r: r.stdout, left: maxGreeting} }
func (r *runner) Stderr() io.ReadCloser           { return r.stderr }
func (r *runner) Name() string                    { return r.cmd.Path }
func (r *runner) Diagnose(context.Context) string { return "" }

// ID is "" before the start.
func (r *runner) ID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(r.cmd.Process.Pid)
}

func (r *runner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}
func (r *runner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

// greeting reads a plugin's stdout: its first line, up to a limit. It swallows
// the rest, so that no plugin blocks because it prints.
type greeting struct {
	r    *os.File
	left int // bytes of the first line still wanted, 0 after it
}

func (g *greeting) Read(p []byte) (int, error) {
	if g.left == 0 {
		_, err := io.Copy(io.Discard, g.r)
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	n, err := g.r.Read(p[:min(len(p), g.left)])
	g.left -= n
	for i, c := range p[:n] {
		if c == '\n' {
			g.left = 0
			n = i + 1
			break
		}
	}
	return n, err
}

func (g *greeting) Close() error { return g.r.Close() }
