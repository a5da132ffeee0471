package pluginstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

// shell runs a script in a copy of the tree, and returns what it prints.
type shell struct{}

type shellOptions struct {
	Script string
	sdk.CopyOptions
}

func (shell) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	var o shellOptions
	if err := json.Unmarshal(req.Options, &o); err != nil {
		return nil, err
	}
	w, err := req.Materialize(ctx, o.CopyOptions)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := exec.Command("/bin/sh", "-c", o.Script)
	cmd.Dir, cmd.Env = filepath.Join(w.Tree, req.Path), []string{"PATH=/usr/bin:/bin", "HOME=" + w.Home, "TMPDIR=" + w.Temp}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out.String())
	}
	for _, m := range w.Missing {
		fmt.Fprintf(&out, "missing %v\n", m)
	}
	return one(out.String()), nil
}

// programs are what a shell may read and run.
var programs = []string{"/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache"}

func shellSpec() host.Spec {
	return host.Spec{Name: "shell", Grants: sandbox.Grants{Exec: true, Scratch: true, Files: programs}}
}

// run has the shell run a script on a tree.
func run(h *host.Host, tree sdk.Tree, o shellOptions) (string, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	result, err := h.Render(context.Background(), "shell", &sdk.RenderRequest{Application: "shop", Path: "app", Tree: tree, Options: options})
	if err != nil {
		return "", err
	}
	return string(result.Documents[0].Data), nil
}

var errNoKey = errors.New("no key opens it")

// TestMaterialize: the copy is as the tree is, links included, and no more of it
// than was asked for.
func TestMaterialize(t *testing.T) {
	const files = "-- app/a.txt --\na\n-- app/sub/b.txt --\nb\n-- lib/c.txt --\nc\n-- other/d.txt --\nd\n-- app/up -> lib --\n-- app/c -> lib/c.txt --\n-- gone -> nowhere --\n-- app/round -> app --\n"
	const show = "find .. -type f -printf '%p ' -o -type l -printf '%p>%l ' | tr ' ' '\\n' | sort | tr '\\n' ' '; cat c"
	for _, tt := range []struct {
		name string
		o    shellOptions
		bad  string // a file that cannot be read
		want string
	}{
		{"all", shellOptions{Script: show}, "", "../app/a.txt ../app/c>../lib/c.txt ../app/round>. ../app/sub/b.txt ../app/up>../lib ../lib/c.txt ../other/d.txt c\nmissing gone: open nowhere: file does not exist\n"},
		{"a part", shellOptions{Script: show, CopyOptions: sdk.CopyOptions{Paths: []string{"app"}}}, "", "../app/a.txt ../app/c ../app/round>. ../app/sub/b.txt ../app/up>../lib ../lib/c.txt c\n"},
		{"files, and what is named twice", shellOptions{Script: show, CopyOptions: sdk.CopyOptions{Paths: []string{"app/a.txt", "app/c", "app/c", "lib"}}}, "", "../app/a.txt ../app/c>../lib/c.txt ../lib/c.txt c\n"},
		{"a link by name", shellOptions{Script: "cat round/a.txt", CopyOptions: sdk.CopyOptions{Paths: []string{"app/round"}}}, "", "a\n"},
		{"a bad file elsewhere", shellOptions{Script: "ls ../other"}, "other/d.txt", "missing gone: open nowhere: file does not exist\nmissing other/d.txt: open other/d.txt: no key opens it\n"},
		{"a bad file here", shellOptions{Script: "ls"}, "app/a.txt", "error: plugin shell: render of application shop: open app/a.txt: no key opens it"},
		{"no such path", shellOptions{CopyOptions: sdk.CopyOptions{Paths: []string{"no"}}}, "", "error: plugin shell: render of application shop: open no: file does not exist"},
		{"it is private", shellOptions{Script: "stat -c '%a %F' . .. a.txt"}, "", "700 directory\n700 directory\n600 regular file\nmissing gone: open nowhere: file does not exist\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := pluginstest.Host(t, shellSpec())
			tree := pluginstest.ParseTree(files)
			if tt.bad != "" {
				tree.Errors[tt.bad] = errNoKey
			}
			got, err := run(h, tree, tt.o)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestMaterializeMany: many directories and long names arrive, in a few questions.
func TestMaterializeMany(t *testing.T) {
	tree := pluginstest.ParseTree("-- app/a --\n")
	name := strings.Repeat("n", 200)
	for i := range 700 {
		dir := fmt.Sprintf("%s%d/%s/%s/%s/%s", name, i, name, name, name, name)
		tree.MapFS[dir+"/f"] = tree.MapFS["app/a"]
	}
	h := pluginstest.Host(t, shellSpec())
	if got, err := run(h, tree, shellOptions{Script: "find .. -type f | wc -l"}); err != nil || strings.TrimSpace(got) != "701" {
		t.Errorf("got %q, %v; want 701 files", got, err)
	}
}

// TestNoScratch: who was not granted a scratch directory, or for whom there is
// none in memory, is told so.
func TestNoScratch(t *testing.T) {
	tree := pluginstest.ParseTree("-- app/a --\n")
	spec := shellSpec()
	spec.Grants.Scratch = false
	if _, err := run(pluginstest.Host(t, spec), tree, shellOptions{}); err == nil || !strings.Contains(err.Error(), sdk.ErrNoScratch.Error()) {
		t.Errorf("without the grant: %v", err)
	}
	onDisk := t.TempDir()
	h, err := host.New(host.Config{Plugins: []host.Spec{shellSpec()}, Scratch: onDisk})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := run(h, tree, shellOptions{}); !errors.Is(err, host.ErrUnavailable) || !strings.Contains(err.Error(), "mount a tmpfs") {
		t.Errorf("on a disk: %v", err)
	}
	if left, err := os.ReadDir(onDisk); err != nil || len(left) > 0 {
		t.Errorf("on the disk are %v, %v", left, err)
	}
}

// TestPrograms: what a plugin's programs do beyond what it was granted fails the
// call, and nothing of them outlives it.
func TestPrograms(t *testing.T) {
	if pluginstest.Race {
		t.Skip("limits on memory cannot be set")
	}
	tree := pluginstest.ParseTree("-- app/a --\nsecret\n")
	for _, tt := range []struct {
		name, script string
		kind         error
		says         string
	}{
		// Not the bomb that doubles: as root, whom the kernel does not limit, it takes
		// the machine's processes from all other tests until it is seen.
		{"fork bomb", "while :; do sleep 60 & done", host.ErrTooLarge, "its programs were "},
		{"many", "i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done; wait", host.ErrTooLarge, "64 are allowed: all were killed"},
		{"large files", "for i in 1 2 3 4 5; do head -c 300000000 /dev/zero > $TMPDIR/$i; done; sleep 60", host.ErrTooLarge, "its programs and their files took "},
		{"hang", "sleep 3600 & sleep 3600", host.ErrTimeout, "killed after 3s"},
		{"reads what it may not", "cat /etc/passwd", nil, "Permission denied"},
		{"writes what it may not", "echo > /tmp/tidelock-programs", nil, "Permission denied"},
		{"kills the host", fmt.Sprint("kill -0 ", os.Getpid()), nil, "not permitted"},
		{"leaves the group", "setsid sleep 60", nil, "Operation not permitted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := shellSpec()
			spec.Limits.Render = 30 * time.Second
			if errors.Is(tt.kind, host.ErrTimeout) {
				spec.Limits.Render = 3 * time.Second
			}
			h := pluginstest.Host(t, spec)
			_, err := run(h, tree, shellOptions{Script: tt.script})
			if e := (*host.Error)(nil); !errors.As(err, &e) || !errors.Is(e.Kind, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if got, err := run(h, tree, shellOptions{Script: "cat a"}); err != nil || !strings.HasPrefix(got, "secret") {
				t.Errorf("the next call: %q, %v", got, err)
			}
		})
	}
}

// TestLeftRunning: a program that outlives its call is killed with it, and sees
// nothing of the next.
func TestLeftRunning(t *testing.T) {
	h := pluginstest.Host(t, shellSpec())
	tree := pluginstest.ParseTree("-- app/a --\n")
	pid, err := run(h, tree, shellOptions{Script: "sleep 3600 >/dev/null 2>&1 & echo $!"})
	if err != nil {
		t.Fatal(err)
	}
	pluginstest.Eventually(t, "it is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	first, err1 := run(h, tree, shellOptions{Script: "echo $PPID"})
	second, err2 := run(h, tree, shellOptions{Script: "echo $PPID"})
	if err := errors.Join(err1, err2); err != nil || first == second {
		t.Errorf("two calls in one process: %q %q %v", first, second, err)
	}
}

// TestScratchIsWiped: nothing is left of a copy, however the call ended, and
// after a kill of the host the next one removes it.
func TestScratchIsWiped(t *testing.T) {
	base, err := os.MkdirTemp("/dev/shm", "tl") //nolint:usetesting // it must be in memory
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	start := func() *host.Host {
		spec := shellSpec()
		spec.Limits.Render = 3 * time.Second
		h, err := host.New(host.Config{Plugins: []host.Spec{spec}, Scratch: base})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := start()
	tree := pluginstest.ParseTree("-- app/a --\nsecret\n")
	for _, script := range []string{"true", "exit 1", "kill -9 $PPID", "mkdir $HOME/d && touch $HOME/d/f && chmod 0 $HOME/d && sleep 60"} {
		_, _ = run(h, tree, shellOptions{Script: script}) // how it ends is no matter
		pluginstest.Eventually(t, "nothing is left after "+script, func() bool {
			left, err := filepath.Glob(base + "/*/*/*")
			return err == nil && len(left) == 0
		})
	}
	// As after a kill, its directory is there and its lock is not.
	dead := filepath.Join(base, "tidelock-plugins-dead", "p1", "work1")
	if err := os.MkdirAll(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	h = start()
	if _, err := run(h, tree, shellOptions{Script: "true"}); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
