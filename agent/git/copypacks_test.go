package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// Packs that overlap, with deltas, become one that git finds nothing wrong with.
func TestCopyPacks(t *testing.T) {
	u := newUpstream(t)
	lines := strings.Split(strings.Repeat("the same line again\n", 400), "\n")
	for i := range 12 {
		for j := range lines {
			if j%40 == i {
				lines[j] = fmt.Sprint("line ", i, j)
			}
		}
		u.commit(map[string]string{"a": strings.Join(lines, "\n"), fmt.Sprint("f", i): "x"})
	}
	dir := t.TempDir()
	var ps packs
	for _, revision := range []string{"HEAD~6", "HEAD~2", "HEAD"} {
		objects := u.work("rev-list", "--objects", "--no-object-names", revision)
		name := u.gitIn(u.tree(), objects, "pack-objects", "--delta-base-offset", "--depth=50", filepath.Join(dir, "pack"))
		p, err := openPack(dir, plumbing.NewHash(name), nil)
		must(t, err)
		if !strings.Contains(u.git(dir, "verify-pack", "-v", packPath(dir, p.name, "pack")), "chain length") {
			t.Fatal("there are no deltas to copy")
		}
		ps = append(ps, p)
	}
	merged := filepath.Join(dir, "merged.pack")
	file, err := os.Create(merged)
	must(t, err)
	must(t, copyPacks(file, ps))
	must(t, file.Close())
	u.git(dir, "index-pack", "--strict", merged)
	shown := u.git(dir, "verify-pack", "-v", merged)
	want := strings.Fields(u.work("rev-list", "--objects", "--no-object-names", "HEAD"))
	for _, object := range want {
		if strings.Count("\n"+shown, "\n"+object) != 1 {
			t.Errorf("object %s is there %d times", object, strings.Count("\n"+shown, "\n"+object))
		}
	}
}
