package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf16"

	"github.com/tidelock-io/tidelock/plugins/directory"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func TestMain(m *testing.M) { pluginstest.Main(m, directory.Plugin("test")) }

func TestGolden(t *testing.T) { pluginstest.Golden(t, "directory") }

func TestSuite(t *testing.T) {
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: "directory", Path: "app",
		Tree:  pluginstest.ParseTree("-- app/a.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"),
		Reads: "app/a.yaml",
	})
}

func TestSuiteJsonnet(t *testing.T) {
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: "directory", Path: "app", Options: `{"jsonnet": {"libs": ["lib"]}}`,
		Tree: pluginstest.ParseTree("-- app/a.jsonnet --\nimport 'a.libsonnet'\n" +
			"-- lib/a.libsonnet --\n{apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'a'}}\n"),
		Reads: "lib/a.libsonnet",
	})
}

// treeOf makes a tree of files by name.
func treeOf(files map[string]string) *pluginstest.Tree {
	tree := pluginstest.ParseTree("")
	for name, text := range files {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return tree
}

func render(h *host.Host, tree sdk.Tree, options string) string {
	req := &sdk.RenderRequest{Application: "shop", Path: ".", Tree: tree}
	if options != "" {
		req.Options = []byte(options)
	}
	return pluginstest.Text(h.Render(context.Background(), "directory", req))
}

func TestManyFiles(t *testing.T) {
	files := map[string]string{}
	var want strings.Builder
	for i := range 1000 {
		name := fmt.Sprintf("d%02d/f%02d.yaml", i/100, i%100)
		files[name] = fmt.Sprintf("kind: K%d\n", i)
		fmt.Fprintf(&want, "# %s:1\nkind: K%d\n", name, i)
	}
	if got := render(pluginstest.Host(t, host.Spec{Name: "directory"}), treeOf(files), `{"recurse": true}`); got != want.String() {
		t.Errorf("got %d bytes, want %d; they begin\n%.200s", len(got), want.Len(), got)
	}
}

func TestDepth(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "directory"})
	for depth, want := range map[int]string{100: "a.yaml:1\nkind: A\n", 101: "lies more than 100 directories deep"} {
		tree := treeOf(map[string]string{strings.Repeat("d/", depth) + "a.yaml": "kind: A\n"})
		if got := render(h, tree, `{"recurse": true}`); !strings.Contains(got, want) {
			t.Errorf("%d deep: got %s, want %s", depth, got, want)
		}
		if got := render(h, tree, ""); got != "" {
			t.Errorf("%d deep, not recursive: got %s", depth, got)
		}
	}
}

// What other editors write: it reaches the parser as it is, but for UTF-16.
func TestEncodings(t *testing.T) {
	const text = "# é\nkind: A\nemoji: \"\U0001F600\"\n"
	utf16Of := func(mark rune, high, low int) string {
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune(string(mark) + text)) {
			pair := [2]byte{byte(unit >> 8), byte(unit)}
			b.Write([]byte{pair[high], pair[low]})
		}
		return b.String()
	}
	h := pluginstest.Host(t, host.Spec{Name: "directory"})
	for name, tt := range map[string]struct{ in, want string }{
		"byte order mark": {"\ufeff" + text, "\ufeff" + text},
		"CRLF":            {strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r\n")},
		"UTF-16, little":  {utf16Of('\ufeff', 1, 0), text},
		"UTF-16, big":     {utf16Of('\ufeff', 0, 1), text},
	} {
		if got, want := render(h, treeOf(map[string]string{"a.yaml": tt.in}), ""), "# a.yaml:1\n"+tt.want; got != want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

// TestBombs: what a file costs is bounded, the error says so, nothing of it runs
// on, and the next call works.
func TestBombs(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		kind             error
	}{
		{"a loop", "local r = std.range(1, 1000); [1 for a in r for b in r for c in r for d in r if a < 0]", "killed after 2s: raise the plugin's time limit, or look for an endless loop", host.ErrTimeout},
		{"a long array", "std.foldl(function(a, b) a + b, std.range(1, 1e9), 0)", "out of memory: look for a file that is very large", host.ErrCrashed},
		{"much text", "std.repeat([{kind: 'A', a: std.repeat('x', 1 << 20)}], 65)", "it returned more than 67108864 bytes", host.ErrTooLarge},
		{"many manifests", "std.repeat([{kind: 'A'}], 30000)", "it returned more than 20000 documents", host.ErrTooLarge},
		{"more than memory", "local f(x, n) = if n == 0 then x else f(x + x, n - 1); {kind: 'A', a: f(std.repeat('x', 1 << 20), 14)}", "out of memory: look for a file that is very large", host.ErrCrashed},
		{"brackets", strings.Repeat("[", 2<<20), "", host.ErrCrashed},
		{"arrays in an array", strings.Repeat("[", 101) + strings.Repeat("]", 101), "a.jsonnet: its arrays lie more than 100 deep in one another", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if errors.Is(tt.kind, host.ErrCrashed) || errors.Is(tt.kind, host.ErrTooLarge) {
				pluginstest.NeedsLimits(t) // and what is very much takes a minute with it
			}
			spec := host.Spec{Name: "directory"}
			if errors.Is(tt.kind, host.ErrTimeout) {
				spec.Limits.Render = 2 * time.Second
			}
			h := pluginstest.Host(t, spec)
			req := &sdk.RenderRequest{Application: "shop", Path: ".", Tree: treeOf(map[string]string{"a.jsonnet": tt.text})}
			_, err := h.Render(context.Background(), "directory", req)
			if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v: %s", err, tt.kind, tt.want)
			}
			if got := render(h, treeOf(map[string]string{"a.jsonnet": "{kind: 'A'}"}), ""); got != "# a.jsonnet:1\nkind: A\n" {
				t.Errorf("the next call: %s", got)
			}
		})
	}
}

// TestMemory: a process that has evaluated Jsonnet is small.
func TestMemory(t *testing.T) {
	pluginstest.NeedsLimits(t)
	h := pluginstest.Host(t, host.Spec{Name: "directory"})
	pss := func() int64 {
		var most int64
		for _, p := range h.Processes() {
			most = max(most, p.PSS)
		}
		return most
	}
	plain := treeOf(map[string]string{"a.yaml": "kind: A\n"})
	render(h, plain, "")
	before := pss()
	for range 50 {
		render(h, treeOf(map[string]string{"a.jsonnet": "[{kind: 'A', n: n, t: std.manifestYamlDoc({n: n})} for n in std.range(1, 100)]"}), "")
	}
	t.Logf("%d KiB without Jsonnet, %d KiB with", before>>10, pss()>>10)
	if got := pss(); got == 0 || got > 40<<20 {
		t.Errorf("%d bytes, want less than 40 MiB", got)
	}
}
