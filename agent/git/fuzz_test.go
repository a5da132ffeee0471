package git

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLinks: wherever links lead, what a tree reads is a file inside of it, the
// one that the system itself finds there.
func FuzzLinks(f *testing.F) {
	f.Add("file", "../file", "d", "a")
	f.Add("../outside", "/etc/passwd", "..", "d/b")
	f.Add("d/b", "../a", "d/../../outside", "c/b")
	f.Add("d/.././d/b", "../c/b/../../file", "d", "c/../a")
	f.Add("d/", "./../file/.", ".", "c/c/c/file")
	f.Fuzz(func(t *testing.T, a, b, c, name string) {
		if strings.Contains(a+b+c, "\x00") || max(len(a), len(b), len(c)) > 1000 || min(len(a), len(b), len(c)) == 0 {
			return // no link can be so
		}
		base, err := filepath.EvalSymlinks(t.TempDir())
		must(t, err)
		root := filepath.Join(base, "root")
		must(t, os.MkdirAll(filepath.Join(root, "d"), 0o755))
		must(t, os.WriteFile(filepath.Join(base, "outside"), []byte("outside"), 0o600))
		must(t, os.WriteFile(filepath.Join(root, "file"), []byte("inside"), 0o600))
		for link, target := range map[string]string{"a": a, "d/b": b, "c": c} {
			must(t, os.Symlink(target, filepath.Join(root, link)))
		}
		tree, err := Dir(root)
		must(t, err)
		for _, name := range []string{name, "a", "d/b", "c", "c/file", "c/d/b"} {
			content, err := tree.ReadFile(name)
			if err != nil {
				continue
			}
			real, err := filepath.EvalSymlinks(filepath.Join(root, name))
			must(t, err)
			want, err := os.ReadFile(real)
			must(t, err)
			if !fs.ValidPath(name) || !strings.HasPrefix(real, root+"/") || string(content) != string(want) {
				t.Fatalf("a -> %q, d/b -> %q, c -> %q: %q reads %q, and is %s", a, b, c, name, content, real)
			}
		}
	})
}
