package scan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/secrets/scan"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// A drawer is a shelf in memory.
type drawer struct {
	mu   sync.Mutex
	kept map[string][]byte
	puts int
}

func (d *drawer) Get(key string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	data, ok := d.kept[key]
	return data, ok
}

func (d *drawer) Put(key string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string][]byte{}
	}
	d.kept[key] = bytes.Clone(data)
	d.puts++
}

// texts are how many texts are kept.
func (d *drawer) texts() (n int) {
	for _, data := range d.kept {
		n += len(data) / 32
	}
	return n
}

// A question is all that a scan depends on.
type question struct {
	files          map[string]string
	rules          string
	program, place string
	root           string
	ignored        string
}

func (q question) with(change func(*question)) question {
	q.files = maps.Clone(q.files)
	change(&q)
	return q
}

func (q question) ask(t *testing.T, on shelf.Keeper) string {
	t.Helper()
	rules := scan.DefaultRules()
	if q.rules != "" {
		var err error
		if rules, err = scan.ParseRules([]byte(q.rules), ".gitleaks.toml", ""); err != nil {
			t.Fatal(err)
		}
	}
	var ignored scan.Ignored
	ignored.AddFile([]byte(q.ignored))
	scanner := scan.New(rules, ignored)
	if on != nil {
		scanner = scanner.Remembering(on, q.program, q.place)
	}
	tree := fstest.MapFS{}
	for name, text := range q.files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	report, err := scanner.Tree(t.Context(), tree, q.root, walk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range report.Findings {
		lines = append(lines, fmt.Sprint(f))
	}
	return fmt.Sprintf("%d files\n%s", report.Files, strings.Join(lines, "\n"))
}

// A second scan says what the first one did, and what a scan without any memory says,
// whatever has changed meanwhile.
func TestRemembering(t *testing.T) {
	base := question{root: ".", program: "build 1", place: "/work", files: map[string]string{
		"a/plain.yaml":         "kind: ConfigMap\ndata: {a: hunter2-canary}\n",
		"a/secret.yaml":        "kind: Secret\nstringData: {password: hunter2-canary}\n",
		"b/kustomization.yaml": "secretGenerator:\n- {name: a, envs: [a.env]}\n",
		"b/a.env":              "PASSWORD=${PASSWORD}\n",
		"c/main.tf":            "key = \"" + awsKey + "\" # gitleaks:allow\n",
		"c/readme.md":          "nothing\n",
		"c/known.txt":          "key = \"" + awsKey + "\"\n",
	}, ignored: "c/known.txt:aws-access-token:1\n"}
	const custom = "[extend]\nuseDefault = true\n[[rules]]\nid = \"ours\"\ndescription = \"d\"\nregex = '''%s'''\n"
	for _, tt := range []struct {
		name   string
		change func(*question)
		news   string // in what is said now, and was not before
	}{
		{"nothing", func(*question) {}, ""},
		{"a text", func(q *question) { q.files["c/readme.md"] = "key = \"" + awsKey + "\"\n" }, "c/readme.md:1:8: aws-access-token"},
		{"a text becomes a Secret", func(q *question) {
			q.files["a/plain.yaml"] = strings.Replace(q.files["a/plain.yaml"], "ConfigMap", "Secret", 1)
		}, "a/plain.yaml:2:11: kubernetes-secret-yaml (a)"},
		{"a name, by which a text is a manifest", func(q *question) {
			q.files["c/readme.yaml"], q.files["c/readme.md"] = "kind: Secret\nstringData: {a: hunter2-canary}\n", ""
		}, "c/readme.yaml:2:17: kubernetes-secret-yaml (a)"},
		{"a file that another reads", func(q *question) { q.files["b/a.env"] = "PASSWORD=hunter2-canary\n" }, "b/kustomization.yaml:2:20: kustomize-secret-file (PASSWORD of a.env)"},
		{"the rules", func(q *question) { q.rules = fmt.Sprintf(custom, "nothing") }, "c/readme.md:1:1: ours"},
		{"what is ignored", func(q *question) { q.ignored = "" }, "c/known.txt:1:8: aws-access-token"},
		{"the program", func(q *question) { q.program = "build 2" }, ""},
		{"the place", func(q *question) { q.place = "/other" }, ""},
		{"the part", func(q *question) { q.root = "a" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var on drawer
			before := base.ask(t, &on)
			if want := base.ask(t, nil); before != want {
				t.Fatalf("at first it says\n%s\nwant\n%s", before, want)
			}
			now := base.with(tt.change)
			got, want := now.ask(t, &on), now.ask(t, nil)
			if got != want {
				t.Errorf("it says\n%s\nwant\n%s", got, want)
			}
			if !strings.Contains(got, tt.news) || tt.news != "" && strings.Contains(before, tt.news) {
				t.Errorf("it says\n%s\nwant new %s; before\n%s", got, tt.news, before)
			}
			if again := now.ask(t, &on); again != want {
				t.Errorf("and again it says\n%s\nwant\n%s", again, want)
			}
		})
	}
}

// What is kept are digests of texts that are clear, each as long as it is there.
func TestRemembered(t *testing.T) {
	var on drawer
	q := question{root: ".", files: map[string]string{
		"clear.yaml": "kind: ConfigMap\n", "other.md": "nothing\n",
		"secret.yaml":        "kind: Secret\nstringData: {password: hunter2-canary}\n",
		"kustomization.yaml": "secretGenerator:\n- {name: a, envs: [missing.env]}\n",
		"ignored.tf":         "key = \"" + awsKey + "\"\n",
	}, ignored: "ignored.tf:aws-access-token:1\n"}
	q.ask(t, &on)
	if on.texts() != 2 {
		t.Errorf("%d texts are kept, want the 2 that are clear by themselves", on.texts())
	}
	for key, data := range on.kept {
		for _, text := range []string{"hunter2", awsKey, "ConfigMap", "secret.yaml"} {
			if strings.Contains(key+string(data), text) {
				t.Errorf("%q is kept", text)
			}
		}
	}
	q.ask(t, &on)
	if on.puts != 1 {
		t.Errorf("%d times it was written, and nothing was new", on.puts)
	}
	delete(q.files, "other.md")
	q.ask(t, &on)
	if on.texts() != 1 {
		t.Errorf("%d texts are kept, of which one is there", on.texts())
	}
}

// Rubbish on the shelf, and what others wrote there for other rules, changes nothing.
func TestRememberingRubbish(t *testing.T) {
	q := question{root: ".", files: map[string]string{"a.tf": "key = \"" + awsKey + "\"\n", "b.tf": "nothing\n"}}
	want := q.ask(t, nil)
	for name, spoil := range map[string]func([]byte) []byte{
		"cut off": func(data []byte) []byte { return data[:len(data)-1] },
		"empty":   func([]byte) []byte { return nil },
		"text":    func([]byte) []byte { return []byte(strings.Repeat("rubbish ", 100)) },
		"flipped": func(data []byte) []byte { data[0] ^= 1; return data },
	} {
		var on drawer
		q.ask(t, &on)
		for key := range on.kept {
			on.kept[key] = spoil(on.kept[key])
		}
		if got := q.ask(t, &on); got != want {
			t.Errorf("%s: it says\n%s\nwant\n%s", name, got, want)
		}
		if on.texts() != 1 {
			t.Errorf("%s: then %d texts are kept", name, on.texts())
		}
	}
}

// Rules of which another file says more are not told apart by their text: nothing is
// kept.
func TestRememberingExtended(t *testing.T) {
	dir := t.TempDir()
	more := "[[rules]]\nid = \"more\"\ndescription = \"d\"\nregex = '''canary'''\n"
	if err := os.WriteFile(filepath.Join(dir, "more.toml"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := scan.ParseRules([]byte("[extend]\npath = \"more.toml\"\n"), ".gitleaks.toml", dir)
	if err != nil {
		t.Fatal(err)
	}
	var on drawer
	if _, err := scan.New(rules, scan.Ignored{}).Remembering(&on, "", "").Tree(t.Context(), fstest.MapFS{"a": {Data: []byte("clear\n")}}, ".", walk.Options{}); err != nil {
		t.Fatal(err)
	}
	if on.puts != 0 {
		t.Error("something is kept")
	}
}

// A scan that was given up keeps nothing: what it had not found by then may be there.
func TestRememberingGivenUp(t *testing.T) {
	for range 20 {
		var on drawer
		ctx, cancel := context.WithCancel(t.Context())
		tree := cancelling{fstest.MapFS{"a.tf": {Data: []byte("key = \"" + awsKey + "\"\n")}, "b.tf": {Data: []byte("b\n")}, "c.tf": {Data: []byte("c\n")}}, cancel}
		scanner := scan.New(scan.DefaultRules(), scan.Ignored{}).Remembering(&on, "", "")
		if _, err := scanner.Tree(ctx, tree, ".", walk.Options{}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if on.puts != 0 {
			t.Fatal("something is kept")
		}
	}
}

// A cancelling tree ends the scan when its last file is read.
type cancelling struct {
	fstest.MapFS
	cancel func()
}

func (c cancelling) ReadFile(name string) ([]byte, error) {
	if name == "c.tf" {
		c.cancel()
	}
	return fs.ReadFile(c.MapFS, name)
}

// Scans side by side say the same, and so does the next one.
func TestRememberingAtOnce(t *testing.T) {
	q := question{root: ".", files: map[string]string{"secret.tf": "key = \"" + awsKey + "\"\n"}}
	for i := range 40 {
		q.files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("text %d\n", i)
	}
	want := q.ask(t, nil)
	var on drawer
	got := make([]string, 4)
	var g errgroup.Group
	for i := range got {
		g.Go(func() error { got[i] = q.ask(t, &on); return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, text := range slices.Concat(got, []string{q.ask(t, &on)}) {
		if text != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
	}
}
