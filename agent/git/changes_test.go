package git

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A directory on disk differs from a commit where the commit that is checked out
// there does. Submodules are not checked out, and differ always.
func TestCompareDirectory(t *testing.T) {
	const commits = 30
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), files: map[string]string{}}
	u := newUpstream(t)
	run := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = u.bare(), strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	run(g.history(commits), "fast-import", "--quiet")
	s, repo := newStore(t, Options{}), Repo{URL: u.bare()}
	at := func(i int) *Tree { return tree(t, s, repo, resolve(t, s, repo, fmt.Sprint("v", i))) }
	equal := 0
	for i := range commits {
		dir := t.TempDir()
		// Not by `checkout -- .`, which takes a commit without files for a mistake.
		run("", "read-tree", fmt.Sprint("v", i))
		run("", "--work-tree="+dir, "checkout-index", "--all", "--force")
		disk, err := Dir(dir)
		must(t, err)
		for _, from := range []int{i, max(0, i-1), g.IntN(commits)} {
			want, err := Compare(at(from), at(i))
			must(t, err)
			got, err := Compare(at(from), disk)
			must(t, err)
			back, err := Compare(disk, at(from))
			must(t, err)
			if files(t, at(from), at(i), got) != files(t, at(from), at(i), want) || !slices.Equal(got.Paths(), back.Paths()) {
				t.Fatalf("seed %d: from v%d to v%d: on disk %q, the other way %q, in commits %q", seed, from, i, got.Paths(), back.Paths(), want.Paths())
			}
			if len(want.Paths()) == 0 {
				equal++
			}
		}
		must(t, os.RemoveAll(dir))
	}
	if equal < commits/2 {
		t.Errorf("only %d pairs were equal", equal)
	}
}

// files are the changed paths that are no submodules, and hold none, in either tree.
func files(t *testing.T, from, to *Tree, c *Changes) string {
	t.Helper()
	return strings.Join(slices.DeleteFunc(c.Paths(), func(path string) bool { return hasModule(from, path) || hasModule(to, path) }), " ")
}

func hasModule(tree *Tree, path string) bool {
	var in func(at string, n *node) bool
	in = func(at string, n *node) bool {
		if n.kind != Directory {
			return n.kind == Submodule
		}
		d, err := tree.dir(at, n.id)
		return err == nil && slices.ContainsFunc(d.nodes, func(m node) bool { return in(join(at, m.name), &m) })
	}
	at, n := "", &tree.root
	for _, name := range strings.Split(path, "/") {
		d, err := tree.dir(display(at), n.id)
		if err != nil {
			return false
		}
		if n, at = d.find(name), join(at, name); n == nil || n.kind != Directory {
			return n != nil && n.kind == Submodule
		}
	}
	return in(at, n)
}
