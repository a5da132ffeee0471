package pluginstest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A Sample is something that a renderer renders without an error.
type Sample struct {
	Plugin string
	// Spec starts the plugin; it is a built-in if zero.
	Spec host.Spec
	Tree *Tree
	Path string
	// Options is the plugin's block, if it needs one.
	Options string
	// Reads is a file that the render reads.
	Reads string
}

func (s Sample) request() *sdk.RenderRequest {
	req := &sdk.RenderRequest{
		Application: "shop", Path: s.Path, Tree: s.Tree, Namespace: "shop", KubeVersion: "1.37.2",
		Env: map[string]string{"ARGOCD_APP_NAME": "shop"},
	}
	if s.Options != "" {
		req.Options = []byte(s.Options)
	}
	return req
}

// Renderer checks what holds for every renderer.
func Renderer(t *testing.T, s Sample) {
	s.Spec.Name = s.Plugin
	s.Spec.Grants.Require = s.Spec.Command == ""
	ctx := context.Background()

	t.Run("gives the same twice, and at once", func(t *testing.T) {
		h := Host(t, s.Spec)
		want := Text(h.Render(ctx, s.Plugin, s.request()))
		if want == "" || strings.HasPrefix(want, "error: ") {
			t.Fatalf("the sample renders as %q", want)
		}
		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				if got := Text(h.Render(ctx, s.Plugin, s.request())); got != want {
					return fmt.Errorf("got\n%s\nwant\n%s", got, want)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if n := len(h.Processes()); n > 2 {
			t.Errorf("%d processes run, want at most 2", n)
		}
	})

	t.Run("an error of the tree is the error of the render", func(t *testing.T) {
		h := Host(t, s.Spec)
		broken := errors.New("the object store is on fire")
		tree := *s.Tree
		tree.Errors = map[string]error{s.Reads: broken}
		req := s.request()
		req.Tree = &tree
		_, err := h.Render(ctx, s.Plugin, req)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), s.Reads) || !strings.Contains(err.Error(), "application shop") {
			t.Errorf("got %v, want the tree's error with application and file", err)
		}
	})

	t.Run("a file that is gone is said to be absent", func(t *testing.T) {
		h := Host(t, s.Spec)
		req := s.request()
		req.Path = "no/such/directory"
		if _, err := h.Render(ctx, s.Plugin, req); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want an error that is fs.ErrNotExist", err)
		}
	})

	t.Run("an unknown option is named", func(t *testing.T) {
		h := Host(t, s.Spec)
		req := s.request()
		req.Options = []byte(`{"noSuchOption": 1}`)
		if _, err := h.Render(ctx, s.Plugin, req); err == nil || !strings.Contains(err.Error(), "noSuchOption") {
			t.Errorf("got %v, want an error that names the option", err)
		}
	})

	t.Run("a cancelled call ends, and the next one works", func(t *testing.T) {
		h := Host(t, s.Spec)
		ctx, cancel := context.WithCancel(ctx)
		req := s.request()
		req.Tree = cancelling{s.Tree, cancel}
		if _, err := h.Render(ctx, s.Plugin, req); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
		if _, err := h.Render(context.Background(), s.Plugin, s.request()); err != nil {
			t.Errorf("the next call: %v", err)
		}
	})

	t.Run("it is confined and knows nothing", func(t *testing.T) {
		h := Host(t, s.Spec)
		if err := h.Warm(ctx); err != nil {
			t.Fatal(err)
		}
		for _, pid := range h.PIDs() {
			confined(t, pid, s.Spec.Env)
		}
	})
}

// confined checks a process by what the kernel says of it.
func confined(t *testing.T, pid int, given []string) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("/proc/%d/status lacks %q", pid, want)
		}
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	for pair := range strings.SplitSeq(strings.Trim(string(environ), "\x00"), "\x00") {
		if Race && strings.HasPrefix(pair, "GORACE=") {
			continue
		}
		if !strings.HasPrefix(pair, "PLUGIN_") && !strings.HasPrefix(pair, "TIDELOCK_PLUGIN") && pair != "GOTRACEBACK=single" && !slices.Contains(given, pair) {
			t.Errorf("its environment holds %q", pair)
		}
	}
}

// cancelling cancels a call when a file is read.
type cancelling struct {
	*Tree
	cancel context.CancelFunc
}

func (c cancelling) ReadFile(name string) ([]byte, error) {
	c.cancel()
	return c.Tree.ReadFile(name)
}
