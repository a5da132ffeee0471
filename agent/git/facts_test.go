package git

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// Each case reads a tree once, then changes it, and says whether that matters.
func TestFacts(t *testing.T) {
	before := map[string]string{
		"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": "a", "app/b.yaml": "b",
		"app/link": "-> a.yaml", "app/base": "-> ../base", "app/broken": "-> ../nowhere", "app/out": "-> ../../etc",
		"base/x.yaml": "x", "base2/x.yaml": "x", "other/y.yaml": "y", "sub/z": "z",
	}
	for _, tt := range []struct {
		name  string
		op    Op
		path  string
		edit  map[string]string // "" removes
		holds bool
	}{
		{"nothing", OpRead, "app/a.yaml", nil, true},
		{"content", OpRead, "app/a.yaml", map[string]string{"app/a.yaml": "A"}, false},
		{"content, of which the kind matters", OpStat, "app/a.yaml", map[string]string{"app/a.yaml": "A"}, true},
		{"size", OpStat, "app/a.yaml", map[string]string{"app/a.yaml": "AA"}, false},
		{"content, of which the hash matters", OpLookup, "app/a.yaml", map[string]string{"app/a.yaml": "A"}, false},
		{"another file", OpRead, "app/a.yaml", map[string]string{"app/b.yaml": "B"}, true},
		{"content in a listing", OpList, "app", map[string]string{"app/b.yaml": "B"}, true},
		{"new file in a listing", OpList, "app", map[string]string{"app/c.yaml": "c"}, false},
		{"removed file in a listing", OpList, "app", map[string]string{"app/b.yaml": ""}, false},
		{"file in a listing is now a directory", OpList, "app", map[string]string{"app/b.yaml": "", "app/b.yaml/c": "c"}, false},
		{"new file below a listing", OpList, ".", map[string]string{"app/c.yaml": "c"}, true},
		{"new file below a directory", OpStat, "app", map[string]string{"app/c.yaml": "c"}, true},
		{"new file below a directory looked up", OpLookup, "app", map[string]string{"app/c.yaml": "c"}, true},
		{"appears", OpRead, "app/c.yaml", map[string]string{"app/c.yaml": "c"}, false},
		{"appears as a link", OpRead, "app/c.yaml", map[string]string{"app/c.yaml": "-> a.yaml"}, false},
		{"appears as a directory", OpStat, "new", map[string]string{"new/c.yaml": "c"}, false},
		{"still absent", OpRead, "app/c.yaml", map[string]string{"app/d.yaml": "d"}, true},
		{"absent in an absent directory", OpRead, "new/deep/c.yaml", map[string]string{"new/d": "d"}, false},
		{"disappears", OpRead, "app/a.yaml", map[string]string{"app/a.yaml": ""}, false},
		{"target of a link", OpRead, "app/link", map[string]string{"app/a.yaml": "A"}, false},
		{"link points elsewhere", OpRead, "app/link", map[string]string{"app/link": "-> b.yaml"}, false},
		{"link becomes its content", OpRead, "app/link", map[string]string{"app/link": "a"}, false},
		{"directory link points to an equal directory", OpRead, "app/base/x.yaml", map[string]string{"app/base": "-> ../base2"}, false},
		{"broken link is mended", OpRead, "app/broken", map[string]string{"nowhere": "x"}, false},
		{"broken link is broken otherwise", OpRead, "app/broken", map[string]string{"app/broken": "-> nothing"}, false},
		{"link out of the tree", OpRead, "app/out", map[string]string{"app/a.yaml": "A"}, true},
		{"link out of the tree elsewhere", OpRead, "app/out", map[string]string{"app/out": "-> ../../usr"}, false},
		{"link out of the tree, by another way", OpRead, "app/out/passwd", map[string]string{"app/out": "-> ../base"}, false},
		{"directory read as a file", OpRead, "app", map[string]string{"app/b.yaml": ""}, true},
		{"directory read as a file becomes one", OpRead, "sub", map[string]string{"sub/z": "", "sub": "now a file"}, false},
		{"file listed as a directory", OpList, "other/y.yaml", map[string]string{"other/y.yaml": "Y"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := t.TempDir()
			write(t, base, before)
			old, err := Dir(base)
			must(t, err)
			rec := NewRecorder(old)
			first := outcome(rec, tt.op, tt.path) + where(old, tt.path)
			facts := rec.Facts()
			if len(facts) != 1 || facts[0].Op != tt.op {
				t.Fatalf("facts:\n%s", facts)
			}
			for _, name := range slices.Sorted(maps.Keys(tt.edit)) {
				must(t, os.RemoveAll(path.Join(base, name)))
				if tt.edit[name] == "" {
					delete(tt.edit, name)
				}
			}
			write(t, base, tt.edit)
			now, err := Dir(base)
			must(t, err)
			second := outcome(now, tt.op, tt.path) + where(now, tt.path)
			if got := facts.Hold(now); got != tt.holds || (first == second) != tt.holds {
				t.Errorf("hold = %v, want %v\nfacts:\n%s first: %s\n now: %s", got, tt.holds, facts, first, second)
			}
		})
	}
}

func TestFactsPrint(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"app/a.yaml": "a", "app/link": "-> a.yaml"})
	tree, err := Dir(base)
	must(t, err)
	rec := NewRecorder(tree)
	for _, op := range []Op{OpRead, OpRead, OpList, OpStat, OpLookup} {
		outcome(rec, op, "app/link")
		outcome(rec, op, "app/none")
	}
	outcome(rec, OpList, "app")
	outcome(rec, OpStat, "../etc")
	const want = `list   app 0513f4b828a8d8c9c18a37be747e986799d4f4b3
list   app/link -> app/a.yaml error="app/a.yaml is a file, not a directory"
lookup app/link -> app/a.yaml file 2e65efe2a145dda7ee51d1741299f848e5bf752e
read   app/link -> app/a.yaml 2e65efe2a145dda7ee51d1741299f848e5bf752e
stat   app/link -> app/a.yaml file 1 bytes
list   app/none error="app/none does not exist"
lookup app/none error="app/none does not exist"
read   app/none error="app/none does not exist"
stat   app/none error="app/none does not exist"
`
	facts := rec.Facts()
	if got := facts.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	raw, err := json.Marshal(facts)
	must(t, err)
	var back Facts
	must(t, json.Unmarshal(raw, &back))
	if !slices.Equal(back, facts) || !back.Hold(tree) {
		t.Errorf("after JSON:\n%s", back)
	}
}

// outcome is what a read gives, as text.
func outcome(r reader, op Op, name string) string {
	switch op {
	case OpRead:
		content, err := r.ReadFile(name)
		return fmt.Sprintf("%q %v", content, err)
	case OpList:
		entries, err := r.ReadDir(name)
		return fmt.Sprintf("%v %v", entries, err)
	case OpStat:
		info, err := r.Stat(name)
		if err != nil {
			return err.Error()
		}
		return fs.FormatFileInfo(info)
	}
	entry, err := r.(interface{ Lookup(string) (Entry, error) }).Lookup(name)
	return fmt.Sprintf("%v %v", entry, err)
}

// On random commits, a fact holds if and only if reading again gives the same:
// the same text, found in the same place.
func TestFactsAreExact(t *testing.T) {
	const commits = 120
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), files: map[string]string{}}
	u := newUpstream(t)
	stream := g.history(commits)
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir = u.bare()
	cmd.Stdin = strings.NewReader(stream)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := newStore(t, Options{Limits: Limits{FileSize: 200}})
	repo := Repo{URL: u.bare()}
	var trees []*Tree
	for i := range commits {
		trees = append(trees, tree(t, s, repo, resolve(t, s, repo, fmt.Sprint("v", i))))
	}
	held, broke := 0, 0
	for i := range trees {
		for range 60 {
			op := []Op{OpRead, OpList, OpStat, OpLookup}[g.IntN(4)]
			name := g.path()
			rec := NewRecorder(trees[i])
			want := outcome(rec, op, name) + where(trees[i], name)
			facts := rec.Facts()
			other := trees[max(0, min(commits-1, i+g.IntN(9)-4))]
			got := outcome(other, op, name) + where(other, name)
			if facts.Hold(other) != (got == want) {
				t.Fatalf("seed %d: hold = %v\nfact: %s was: %s\n now: %s", seed, facts.Hold(other), facts, want, got)
			}
			changes, err := Compare(trees[i], other)
			must(t, err)
			if facts.HoldAfter(changes, other) != (got == want) {
				t.Fatalf("seed %d: hold = %v after %q\nfact: %s was: %s\n now: %s", seed, got != want, changes.Paths(), facts, want, got)
			}
			if got == want {
				held++
			} else {
				broke++
			}
		}
	}
	if held < 100 || broke < 100 {
		t.Errorf("%d facts held and %d broke: the test shows nothing", held, broke)
	}
}

// where is where a name leads: a read that ends elsewhere is another read, for
// what else is read by then may depend on the place.
func where(t *Tree, name string) string {
	at, _ := t.resolve(name)
	return " at " + at.path
}

// A generator makes up a history with few names, so that paths meet.
type generator struct {
	*rand.Rand
	files map[string]string // path to fast-import's mode and data
}

func (g *generator) name() string { return string("abc"[g.IntN(3)]) }

func (g *generator) path() string {
	p := g.name()
	for g.IntN(5) < 3 {
		p += "/" + g.name()
	}
	return p
}

func (g *generator) entry() string {
	data := func(mode, text string) string { return fmt.Sprintf("%s inline|data %d\n%s\n", mode, len(text), text) }
	switch g.IntN(12) {
	case 0, 1, 2:
		return data("120000", g.target())
	case 3:
		return "160000 " + fmt.Sprintf("%040x", g.IntN(2)+1) + "|"
	case 4:
		return data("100755", g.name())
	case 5:
		return data("100644", strings.Repeat("x", 199+g.IntN(4)))
	case 6:
		return data("100644", "version https://git-lfs.github.com/spec/v1\noid sha256:"+g.name())
	}
	return data("100644", strings.Repeat(g.name(), 1+g.IntN(2)))
}

func (g *generator) target() string {
	switch g.IntN(8) {
	case 0:
		return "/" + g.path()
	case 1, 2:
		return g.path()
	}
	return strings.Repeat("../", g.IntN(3)) + g.path()
}

// set puts an entry where it may stand in the way of others.
func (g *generator) set(name string) {
	for p := range g.files {
		if strings.HasPrefix(p, name+"/") || strings.HasPrefix(name, p+"/") {
			delete(g.files, p)
		}
	}
	g.files[name] = g.entry()
}

func (g *generator) history(commits int) string {
	var b strings.Builder
	for i := range commits {
		for range 3 + g.IntN(3) {
			if g.IntN(4) == 0 {
				delete(g.files, g.path())
			} else {
				g.set(g.path())
			}
		}
		fmt.Fprintf(&b, "commit refs/tags/v%d\nmark :%d\ncommitter a <a@example.com> %d +0000\ndata 0\n", i, i+1, i)
		if i > 0 {
			fmt.Fprintf(&b, "from :%d\ndeleteall\n", i)
		}
		for name, e := range g.files {
			mode, data, _ := strings.Cut(e, "|")
			fmt.Fprintf(&b, "M %s %s\n%s", mode, name, data)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What a damaged mirror says is not a fact of the commit.
func TestUnreadableIsNoFact(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"a": "1"})
	tree, err := Dir(base)
	must(t, err)
	rec := NewRecorder(tree)
	if _, err := tree.ReadDir("."); err != nil { // a listing is kept
		t.Fatal(err)
	}
	must(t, os.Remove(path.Join(base, "a")))
	if _, err := rec.ReadFile("a"); err == nil || errors.Is(err, ErrPath) {
		t.Errorf("got %v", err)
	}
	if rec.Facts().Hold(tree) {
		t.Error("trouble with the disk holds as a fact")
	}
	if f, err := rec.Open("."); err != nil {
		t.Error(err)
	} else if _, err := f.Read(nil); !errors.Is(err, ErrIsDir) || errors.Is(err, io.EOF) {
		t.Errorf("reading a directory: %v", err)
	}
}
