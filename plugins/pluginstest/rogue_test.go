package pluginstest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "host" {
		beHost(os.Args[2])
	}
	if len(os.Args) > 3 && os.Args[1] == pluginstest.WithoutVerb {
		fmt.Println(pluginstest.Without(os.Args[2], os.Args[3:]...))
		os.Exit(1)
	}
	pluginstest.Main(m,
		sdk.Plugin{Name: "rogue", Renderer: rogue{}, Serial: true, Decrypter: rogue{}},
		sdk.Plugin{Name: "crowd", Renderer: rogue{}},
		sdk.Plugin{Name: "shell", Renderer: shell{}, Needs: sandbox.Grants{Exec: true}},
		sdk.Plugin{Name: "needy", Renderer: rogue{}, Needs: sandbox.Grants{Network: true}},
	)
}

// rogue does what its options say.
type rogue struct{}

const canary = "hunter2-canary"

func (rogue) Decrypt(context.Context, *sdk.DecryptRequest) ([]byte, error) {
	time.Sleep(time.Hour)
	return nil, nil
}

func (rogue) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	what := strings.Trim(string(req.Options), `"`)
	if act, ok := acts[what]; ok {
		return act(ctx, req)
	}
	try, ok := attempts[what]
	if file, isFile := strings.CutPrefix(what, "read /"); isFile && !ok {
		try, ok = func() error { _, err := os.ReadFile("/" + file); return err }, true
	}
	if ok {
		verdict := "allowed"
		if err := try(); err != nil {
			verdict = "refused: " + err.Error()
		}
		return one(verdict), nil
	}
	return nil, fmt.Errorf("no such act: %q", what)
}

func one(text string) *sdk.RenderResult {
	return &sdk.RenderResult{Documents: []sdk.Document{{Data: []byte(text)}}}
}

var acts = map[string]func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error){
	"work": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) { return one("done"), nil },
	"read": func(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		data, err := req.Tree.ReadFile("a")
		return one(string(data)), err
	},
	"mount": func(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		m, err := req.Host.Mount(ctx, sdk.Source{URL: "https://user:hunter2@example.com/repo", Revision: "v1", Chart: "c"})
		if err != nil {
			return one("swallowed"), nil
		}
		data, err := req.Tree.ReadFile(m.Path + "/a")
		return one(m.Revision + " " + string(data)), err
	},
	"nested": func(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		return req.Host.Render(ctx, sdk.NestedRequest{Plugin: "crowd", Path: "b", Options: []byte(`"work"`)})
	},
	"lookup": func(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		data, err := req.Host.Lookup(ctx, sdk.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "a", Name: "b"})
		return one(string(data)), err
	},
	"pid": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		return one(fmt.Sprint(os.Getpid())), nil
	},
	"panic": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) { panic("value " + canary) },
	"panic elsewhere": func(ctx context.Context, _ *sdk.RenderRequest) (*sdk.RenderResult, error) {
		go panic("value " + canary)
		<-ctx.Done()
		return nil, ctx.Err()
	},
	"exit": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) { os.Exit(3); return nil, nil },
	"hang": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		time.Sleep(time.Hour)
		return nil, nil
	},
	"spin": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		for { //nolint:staticcheck // to spin is its part
		}
	},
	"stop": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGSTOP))
		return one("back"), nil
	},
	"rubbish": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		for range 100 {
			fmt.Fprint(os.Stdout, strings.Repeat("x", 100<<10))
			_, _ = syscall.Write(1, []byte(strings.Repeat("y", 100<<10)))
			_, _ = syscall.Write(2, []byte(strings.Repeat("\x1b[2Jz", 20<<10)))
		}
		return one("done"), nil
	},
	"gigabyte": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		doc := sdk.Document{Data: make([]byte, 1<<20)}
		return &sdk.RenderResult{Documents: slices.Repeat([]sdk.Document{doc}, 1024)}, nil
	},
	"large document": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		return one(strings.Repeat("x", 100<<20)), nil
	},
	"million": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		return &sdk.RenderResult{Documents: slices.Repeat([]sdk.Document{{Data: []byte("a: b")}}, 1_000_000)}, nil
	},
	"memory": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		var hoard [][]byte
		for {
			b := make([]byte, 64<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			hoard = append(hoard, b) //nolint:staticcheck // to keep it is its part
		}
	},
	"300 MB": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		b := make([]byte, 300<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		return one(fmt.Sprint(len(b))), nil
	},
	"ask without end": func(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		for i := 0; ; i++ {
			if _, err := req.Tree.Stat(fmt.Sprint("f", i)); err != nil && !strings.Contains(err.Error(), "not exist") {
				return nil, err
			}
		}
	},
	"bad names": func(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
		for _, name := range []string{"../etc/passwd", "/etc/passwd", "", "a//b", "a/../../b"} {
			if _, err := req.Tree.ReadFile(name); err == nil {
				return nil, fmt.Errorf("read %q", name)
			}
		}
		return one("done"), nil
	},
	"forged error": func(context.Context, *sdk.RenderRequest) (*sdk.RenderResult, error) {
		return nil, errors.New("first\nlevel=ERROR msg=forged \x1b[31m" + strings.Repeat("x", 100<<10))
	},
}

// attempts are what the sandbox forbids. They return nil if allowed.
var attempts = map[string]func() error{
	"read /etc/passwd":  func() error { _, err := os.ReadFile("/etc/passwd"); return err },
	"list /":            func() error { _, err := os.ReadDir("/"); return err },
	"write":             func() error { return os.WriteFile("/tmp/tidelock-rogue", nil, 0o600) },
	"remove":            func() error { return os.Remove("/tmp/tidelock-rogue-mark") },
	"dial TCP":          func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return denied(err) },
	"dial UDP":          func() error { _, err := net.Dial("udp", "127.0.0.1:1"); return denied(err) },
	"dial unix":         func() error { _, err := net.Dial("unix", "/nowhere"); return denied(err) },
	"listen":            func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return denied(err) },
	"exec":              func() error { return exec.Command("/bin/true").Run() },
	"fork":              func() error { return raw(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD)) },
	"kill the host":     func() error { return syscall.Kill(os.Getppid(), 0) },
	"trace the host":    func() error { return raw(syscall.SYS_PTRACE, syscall.PTRACE_ATTACH, uintptr(os.Getppid())) },
	"memfd":             func() error { return denied(raw(319)) },
	"io_uring":          func() error { return denied(raw(425, 1)) },
	"raise limits":      func() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1, Max: 1}) },
	"fork bomb":         forkBomb,
	"leave the session": func() error { return raw(syscall.SYS_SETSID) },
	"leave the group":   func() error { return raw(syscall.SYS_SETPGID, 0, 0) },
	"host's memory": func() error {
		_, err := os.Open(fmt.Sprintf("/proc/%d/mem", os.Getppid()))
		return err
	},
}

// denied keeps errors that come from being confined.
func denied(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return err
	}
	return nil
}

func raw(call uintptr, args ...uintptr) error {
	args = append(args, 0, 0, 0)
	n, _, errno := syscall.RawSyscall(call, args[0], args[1], args[2])
	if errno != 0 {
		return errno
	}
	if call == syscall.SYS_CLONE && n == 0 {
		_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
	}
	return nil
}

// forkBomb does what forks without end would, a thousand times.
func forkBomb() error {
	for range 1000 {
		if err := raw(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD)); err == nil || !errors.Is(err, syscall.EPERM) {
			return err
		}
	}
	return syscall.EPERM
}

func request(what string) *sdk.RenderRequest {
	return &sdk.RenderRequest{Application: "shop", Path: ".", Tree: pluginstest.ParseTree("-- a --\n"), Options: []byte(`"` + what + `"`)}
}

func render(h *host.Host, plugin, what string) (string, error) {
	result, err := h.Render(context.Background(), plugin, request(what))
	if err != nil {
		return "", err
	}
	return string(result.Documents[0].Data), nil
}

// TestMisbehaviour: each misdeed fails its own call with one error that names
// plugin, application and call, and the next call works.
func TestMisbehaviour(t *testing.T) {
	for _, tt := range []struct {
		what string
		kind error
		says string
	}{
		{"panic", host.ErrCrashed, "it crashed: panic with a string"},
		{"panic elsewhere", host.ErrCrashed, "it crashed (exit status 2), panic"},
		{"exit", host.ErrCrashed, "it crashed (exit status 3)"},
		{"hang", host.ErrTimeout, "killed after 1s"},
		{"spin", host.ErrTimeout, "killed after 1s"},
		{"stop", host.ErrTimeout, "killed after 1s"},
		{"gigabyte", host.ErrTooLarge, "it returned more than 67108864 bytes"},
		{"large document", host.ErrTooLarge, "over the limit: a document of 104857600 bytes"},
		{"million", host.ErrTooLarge, "it returned more than 20000 documents"},
		{"ask without end", host.ErrTooLarge, "it asked for more than 1000 files"},
		{"memory", host.ErrCrashed, "it crashed (exit status 2), fatal error: out of memory"},
		{"forged error", nil, "first level=ERROR msg=forged [31mxxx"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if tt.what == "memory" && pluginstest.Race {
				tt.kind, tt.says = host.ErrTimeout, "killed after 1s" // no limit on memory can be set
			}
			spec := host.Spec{Name: "rogue", Limits: host.Limits{Asks: 1000}}
			if errors.Is(tt.kind, host.ErrTimeout) {
				spec.Limits.Render = time.Second
			}
			h := pluginstest.Host(t, spec)
			_, err := render(h, "rogue", tt.what)
			e := (*host.Error)(nil)
			if !errors.As(err, &e) || !errors.Is(e.Kind, tt.kind) {
				t.Fatalf("got %v, want %v", err, tt.kind)
			}
			if want := "plugin rogue: render of application shop: " + tt.says; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %.200q, want %q", err, want)
			}
			if text := err.Error(); strings.Contains(text, canary) || strings.ContainsAny(text, "\n\x1b") || len(text) > 16<<10 {
				t.Errorf("the error tells too much: %.200q", text)
			}
			if got, err := render(h, "rogue", "work"); got != "done" {
				t.Errorf("the next call: %q, %v", got, err)
			}
		})
	}
}

// TestRubbish: what a plugin prints harms nothing.
func TestRubbish(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue"})
	for _, what := range []string{"rubbish", "bad names", "rubbish", "work"} {
		if got, err := render(h, "rogue", what); got != "done" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if n := h.Counters().Starts; n != 1 {
		t.Errorf("%d processes were started, want 1", n)
	}
}

func TestDecryptDeadline(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Limits: host.Limits{Decrypt: 100 * time.Millisecond}})
	_, err := h.Decrypt(context.Background(), "rogue", &sdk.DecryptRequest{Application: "shop", Path: "a.yaml"})
	if !errors.Is(err, host.ErrTimeout) || !strings.HasPrefix(err.Error(), "plugin rogue: decrypt of application shop: killed after 100ms") {
		t.Errorf("got %v", err)
	}
}

// TestSandbox: a plugin can do nothing but compute.
func TestSandbox(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Grants: sandbox.Grants{Require: !pluginstest.Race}})
	for what := range attempts {
		if got, err := render(h, "rogue", what); err != nil || !strings.HasPrefix(got, "refused: ") {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

// TestSandboxControl: the attempts succeed where they are granted, so that the
// test above can fail.
func TestSandboxControl(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Grants: sandbox.Grants{
		Network: true, Exec: true, Files: []string{"/"}, Write: []string{"/tmp", "/dev"},
	}})
	for _, what := range []string{"read /etc/passwd", "list /", "write", "dial TCP", "dial UDP", "exec", "fork", "fork bomb"} {
		if got, err := render(h, "rogue", what); err != nil || got != "allowed" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	os.Remove("/tmp/tidelock-rogue")
	for _, what := range []string{"dial unix", "listen", "trace the host", "memfd", "io_uring", "leave the session", "leave the group"} {
		if got, err := render(h, "rogue", what); err != nil || !strings.HasPrefix(got, "refused: ") {
			t.Errorf("%s, whatever is granted: %q, %v", what, got, err)
		}
	}
}

// TestLimitsControl: what is too much by default is not where more is allowed.
func TestLimitsControl(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Limits: host.Limits{Documents: 1_000_000}})
	if result, err := h.Render(context.Background(), "rogue", request("million")); err != nil || len(result.Documents) != 1_000_000 {
		t.Errorf("got %v", err)
	}
}

// TestMemoryGrant: the same work is done or dies, by the memory that is granted.
func TestMemoryGrant(t *testing.T) {
	if pluginstest.Race {
		t.Skip("no limit on memory can be set")
	}
	h := pluginstest.Host(t, host.Spec{Name: "rogue"}, host.Spec{Name: "crowd", Grants: sandbox.Grants{Memory: 256 << 20}})
	if got, err := render(h, "rogue", "300 MB"); got != "314572800" {
		t.Errorf("300 MB of 1 GiB: %q, %v", got, err)
	}
	if got, err := render(h, "crowd", "300 MB"); !errors.Is(err, host.ErrCrashed) {
		t.Errorf("300 MB of 256 MiB: %q, %v", got, err)
	}
}

// TestStart: what does not start says why.
func TestStart(t *testing.T) {
	for _, tt := range []struct {
		spec host.Spec
		kind error
		says string
	}{
		{host.Spec{Name: "absent", Command: "/no/such/program"}, host.ErrUnavailable, "it cannot be started: fork/exec /no/such/program: no such file or directory"},
		{host.Spec{Name: "true", Command: "/bin/true"}, host.ErrUnavailable, "it was started and did not greet (exit status 0): is /bin/true a Tidelock plugin?"},
		{host.Spec{Name: "echo", Command: "/bin/echo", Args: []string{canary + "|x"}}, host.ErrUnavailable, "it was started and did not greet ("},
		{host.Spec{Name: "silent", Command: "/bin/sleep", Args: []string{"3600"}, Limits: host.Limits{Start: 200 * time.Millisecond}}, host.ErrUnavailable, "it was started and did not greet"},
		{host.Spec{Name: "needy"}, host.ErrUnavailable, "it refuses to work: it needs the network, which was not granted"},
		{host.Spec{Name: "liar", Command: self(t), Args: []string{"plugin", "serve", "rogue"}}, host.ErrProtocol, `it calls itself "rogue"`},
	} {
		t.Run(tt.spec.Name, func(t *testing.T) {
			h := pluginstest.Host(t, tt.spec)
			_, err := render(h, tt.spec.Name, "work")
			if want := "plugin " + tt.spec.Name + ": render of application shop: " + tt.says; err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want %s", err, want)
			}
			if strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("the error quotes what it printed: %v", err)
			}
		})
	}
	h := pluginstest.Host(t, host.Spec{Name: "rogue"})
	if _, err := render(h, "helm", "work"); !errors.Is(err, host.ErrUnavailable) || !strings.Contains(err.Error(), "no such plugin, there are rogue") {
		t.Errorf("got %v", err)
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNeighbours: a call that dies with its neighbour is made again.
func TestNeighbours(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "crowd", Processes: 1, Limits: host.Limits{Render: 2 * time.Minute}})
	if err := h.Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	waiting := &slowTree{Tree: pluginstest.ParseTree("-- a --\n"), entered: make(chan struct{}), leave: make(chan struct{})}
	var g errgroup.Group
	g.Go(func() error {
		req := request("bad names")
		req.Tree, req.Options = waiting, []byte(`"read"`)
		_, err := h.Render(context.Background(), "crowd", req)
		return err
	})
	<-waiting.entered
	if _, err := render(h, "crowd", "exit"); !errors.Is(err, host.ErrCrashed) {
		t.Errorf("the culprit: %v", err)
	}
	close(waiting.leave)
	if err := g.Wait(); err != nil {
		t.Errorf("the innocent: %v", err)
	}
}

type slowTree struct {
	*pluginstest.Tree
	once           sync.Once
	entered, leave chan struct{}
}

func (s *slowTree) ReadFile(name string) ([]byte, error) {
	s.once.Do(func() { close(s.entered) })
	<-s.leave
	return s.Tree.ReadFile(name)
}

// TestProcesses: a second process starts when calls overlap, and both stop when
// there is nothing to do.
func TestProcesses(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Processes: 2, Limits: host.Limits{Idle: 200 * time.Millisecond}})
	tree := &slowTree{Tree: pluginstest.ParseTree("-- a --\n"), entered: make(chan struct{}), leave: make(chan struct{})}
	var g errgroup.Group
	for range 3 {
		g.Go(func() error {
			req := request("read")
			req.Tree = tree
			_, err := h.Render(context.Background(), "rogue", req)
			return err
		})
	}
	<-tree.entered
	pluginstest.Eventually(t, "two processes run", func() bool { return len(h.Processes()) == 2 })
	for _, p := range h.Processes() {
		if p.PSS == 0 || p.RSS < p.PSS {
			t.Errorf("memory of a process: %+v", p)
		}
	}
	close(tree.leave)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	pluginstest.Eventually(t, "no process runs", func() bool { return len(h.Processes()) == 0 })
	if got, err := render(h, "rogue", "work"); got != "done" {
		t.Errorf("after a rest: %q, %v", got, err)
	}
	if c := h.Counters(); c.Calls != 4 || c.Starts != 3 || c.Deaths != 0 || c.Failures != 0 {
		t.Errorf("counted %+v", c)
	}
}

// TestDeath: a process that is killed from outside is replaced.
func TestDeath(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close some day what is left open
	before := pipes(t)
	h := pluginstest.Host(t, host.Spec{Name: "rogue", Processes: 1})
	for range 3 {
		if err := h.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		pid := h.PIDs()[0]
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		pluginstest.Eventually(t, "it is gone", func() bool { return len(h.PIDs()) == 0 })
		if got, err := render(h, "rogue", "work"); got != "done" {
			t.Errorf("after a death: %q, %v", got, err)
		}
	}
	if c := h.Counters(); c.Deaths != 3 || c.Starts != 4 {
		t.Errorf("counted %+v", c)
	}
	pluginstest.Eventually(t, "no pipes are open but those of the process that lives", func() bool { return pipes(t) <= before+2 })
}

// pipes is how many this process has open.
func pipes(t *testing.T) (n int) {
	t.Helper()
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range open {
		if to, err := os.Readlink(file); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// TestClose: calls that run end when the host does.
func TestClose(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue"})
	var g errgroup.Group
	g.Go(func() error { _, err := render(h, "rogue", "hang"); return err })
	pluginstest.Eventually(t, "the call runs", func() bool {
		p := h.Processes()
		return len(p) == 1 && p[0].Calls == 1
	})
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := g.Wait(); !errors.Is(err, host.ErrUnavailable) {
		t.Errorf("got %v, want that Tidelock is stopping", err)
	}
	if _, err := render(h, "rogue", "work"); !errors.Is(err, host.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// beHost is a host that is doomed: it says which process it started, and waits.
func beHost(dir string) {
	h, err := host.New(host.Config{Dir: dir, Plugins: []host.Spec{{Name: "rogue"}}})
	if err == nil {
		err = h.Warm(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(h.PIDs()[0])
	select {}
}

// TestHostDies: plugins do not outlive a host that is killed, and the next host
// removes what it left.
func TestHostDies(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "tl") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	doomed := exec.Command(self(t), "host", dir)
	out, err := doomed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := doomed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = doomed.Wait() // it was killed
	pluginstest.Eventually(t, "the plugin is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Fatalf("the dead host left %v, %v; want its directory", left, err)
	}
	next, err := host.New(host.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	other, err := host.New(host.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("there are %v, %v; want the directories of the two living hosts", left, err)
	}
	if err := errors.Join(next.Close(), other.Close()); err != nil {
		t.Error(err)
	}
}
