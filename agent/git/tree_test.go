package git

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"
)

// both runs a test on a commit, and on a directory with the same files.
func both(t *testing.T, files map[string]string, limits Limits, test func(*testing.T, *Tree)) {
	t.Helper()
	u := newUpstream(t)
	u.commit(files)
	t.Run("commit", func(t *testing.T) { test(t, u.head(limits)) })
	t.Run("directory", func(t *testing.T) {
		tree, err := Dir(u.tree())
		must(t, err)
		tree.limits = limits.orDefault()
		test(t, tree)
	})
}

// A tree of either kind is a file system by the standard library's own test.
func TestTreeIsFS(t *testing.T) {
	files := map[string]string{"a/b/c.txt": "c", "a/b/d.txt": "", "a.b": "sorts before a/", "e.sh": "#!/bin/sh"}
	both(t, files, Limits{}, func(t *testing.T, tree *Tree) {
		for _, fsys := range []fs.FS{tree, NewRecorder(tree)} {
			if err := fstest.TestFS(fsys, slices.Collect(keys(files))...); err != nil {
				t.Error(err)
			}
		}
	})
}

func keys(files map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

// What a commit holds is what git says that it holds.
func TestTreeIsGits(t *testing.T) {
	u := newUpstream(t)
	write(t, u.tree(), map[string]string{"a/b/c.txt": "c", "a.b": "x", "e.sh": "#!/bin/sh", "link": "-> a/b", "ä ö": "umlauts"})
	must(t, os.Chmod(filepath.Join(u.tree(), "e.sh"), 0o755))
	sha := u.commit(nil)
	tree := u.head(Limits{})
	if tree.Revision() != sha || tree.Hash() != u.work("rev-parse", "HEAD^{tree}") {
		t.Errorf("revision %s with tree %s", tree.Revision(), tree.Hash())
	}
	var got []string
	must(t, fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		mode := map[fs.FileMode]string{0o444: "100644", 0o555: "100755", fs.ModeSymlink | 0o777: "120000"}
		info, err := e.Info()
		must(t, err)
		if e.Type() == fs.ModeSymlink {
			got = append(got, mode[info.Mode()]+" "+name)
			return nil
		}
		at, err := tree.Lookup(name)
		must(t, err)
		got = append(got, fmt.Sprintf("%s %s %s %d", mode[info.Mode()], at.Hash, name, at.Size))
		return nil
	}))
	var want []string
	for line := range strings.Lines(u.git(u.tree(), "-c", "core.quotePath=false", "ls-tree", "-r", "-l", "HEAD")) {
		meta, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		f := strings.Fields(meta)
		if f[0] == "120000" {
			want = append(want, f[0]+" "+name)
		} else {
			want = append(want, fmt.Sprintf("%s %s %s %s", f[0], f[2], name, f[3]))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := os.Stat(filepath.Join(u.tree(), ".git")); err != nil {
		t.Fatal(err)
	}
	dir, err := Dir(u.tree())
	must(t, err)
	if _, err := dir.Stat(".git/config"); !errors.Is(err, ErrPath) {
		t.Errorf(".git shows: %v", err)
	}
	if e, err := dir.Lookup("a/b/c.txt"); err != nil || e.Hash != fmt.Sprintf("%x", sha1.Sum([]byte("blob 1\x00c"))) {
		t.Errorf("got %v, %v", e, err)
	}
}

func TestLookup(t *testing.T) {
	files := map[string]string{
		"app/a": "1", "app/to-file": "-> a", "app/to-dir": "-> ../base", "base/x": "2", "base/up": "-> ../app/to-file",
		"top": "-> app/to-dir/up", "app/self": "-> .", "app/dots": "-> ./../app/./a", "root": "-> app/..",
		"abs": "-> /etc/passwd", "out": "-> ../x", "deep/out": "-> ../../etc", "sneaky": "-> app/to-dir/../../x", "through": "-> app/../../etc/passwd",
		"loop1": "-> loop2", "loop2": "-> loop1", "me": "-> me", "nowhere": "-> gone/x", "file-as-dir": "-> app/a/b",
		"c0": "-> app/a",
	}
	for i := range 40 {
		files[fmt.Sprint("c", i+1)] = fmt.Sprint("-> c", i)
	}
	both(t, files, Limits{}, func(t *testing.T, tree *Tree) {
		for _, tt := range []struct {
			name, path string
			kind       error
			says       string
		}{
			{".", ".", nil, ""},
			{"app", "app", nil, ""},
			{"app/a", "app/a", nil, ""},
			{"app/to-file", "app/a", nil, ""},
			{"app/to-dir", "base", nil, ""},
			{"app/to-dir/x", "base/x", nil, ""},
			{"app/to-dir/up", "app/a", nil, ""},
			{"top", "app/a", nil, ""},
			{"app/self/self/a", "app/a", nil, ""},
			{"app/dots", "app/a", nil, ""},
			{"root", ".", nil, ""},
			{"root/app/a", "app/a", nil, ""},
			{"c39", "app/a", nil, ""},
			{"c40", "c0", ErrLink, "more than 40 links"},
			{"abs", "abs", ErrLink, "link abs -> /etc/passwd"},
			{"out", "out", ErrLink, "link out -> ../x leaves the tree"},
			{"deep/out/passwd", "deep/out", ErrLink, "link deep/out -> ../../etc leaves the tree"},
			{"sneaky", "sneaky", ErrLink, "link sneaky -> app/to-dir/../../x leaves the tree"},
			{"through", "through", ErrLink, "leaves the tree"},
			{"loop1", "loop1", ErrLink, "loop"},
			{"me/x", "me", ErrLink, "link me -> me"},
			{"gone", "gone", ErrPath, "gone does not exist"},
			{"gone/deeper", "gone", ErrPath, "gone does not exist"},
			{"nowhere", "gone", ErrPath, "lookup nowhere: gone does not exist"},
			{"app/a/b", "app/a", ErrNotDir, "app/a is a file"},
			{"file-as-dir", "app/a", ErrNotDir, "app/a is a file"},
			{"../etc", "../etc", fs.ErrInvalid, ""},
			{"/etc", "/etc", fs.ErrInvalid, ""},
			{"app/../app", "app/../app", fs.ErrInvalid, ""},
			{"", "", fs.ErrInvalid, ""},
		} {
			got, err := tree.Lookup(tt.name)
			if got.Path != tt.path || !errors.Is(err, tt.kind) || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Lookup(%q) = %v, %v; want %s, %v with %q", tt.name, got, err, tt.path, tt.kind, tt.says)
			}
			if (got.Kind == Absent) != (err != nil) {
				t.Errorf("Lookup(%q) = %v with %v", tt.name, got, err)
			}
			if errors.Is(tt.kind, ErrPath) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Lookup(%q): %v is no fs.ErrNotExist", tt.name, err)
			}
		}
	})
}

// Without a way to fetch it a submodule is one thing that cannot be read; on disk
// it is what is checked out.
func TestSubmodule(t *testing.T) {
	lib, u := newUpstream(t), newUpstream(t)
	lib.commit(map[string]string{"x": "1"})
	u.work("-c", "protocol.file.allow=always", "submodule", "add", "-q", lib.bare(), "vendor/lib")
	u.commit(map[string]string{"a": "1", "link": "-> vendor/lib/x"})
	u.git(u.tree(), "init", "-q", "foreign")
	dir, err := Dir(u.tree())
	must(t, err)
	for at, tree := range map[string]*Tree{"vendor/lib": u.head(Limits{}), "foreign": dir} {
		names := []string{at, at + "/x"}
		if at == "vendor/lib" {
			names = append(names, "link")
		}
		for _, name := range names {
			_, err := tree.ReadFile(name)
			if !errors.Is(err, ErrSubmodule) || !strings.Contains(err.Error(), at+" is a submodule") {
				t.Errorf("%s in a %s: %v", name, tree, err)
			}
		}
		entries, err := tree.ReadDir(strings.TrimSuffix(at, "/lib"))
		if at == "vendor/lib" && (err != nil || len(entries) != 1 || entries[0].IsDir() || entries[0].Type().IsRegular()) {
			t.Errorf("listing: %v, %v", entries, err)
		}
	}
	if got := content(t, dir, "vendor/lib/x") + content(t, dir, "link"); got != "11" {
		t.Errorf("checked out: %q", got)
	}
}

func TestReadLimits(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
	files := map[string]string{"big": strings.Repeat("x", 201), "fits": strings.Repeat("x", 200), "lfs": pointer}
	for i := range 11 {
		files[fmt.Sprint("many/", i)] = "x"
	}
	both(t, files, Limits{FileSize: 200, Entries: 10}, func(t *testing.T, tree *Tree) {
		for _, tt := range []struct {
			name string
			kind error
			says string
		}{
			{"big", ErrTooLarge, "big has 201 bytes, more than the limit of 200"},
			{"fits", nil, ""},
			{"lfs", ErrLFS, "lfs is a Git LFS pointer"},
			{"many/1", ErrTooLarge, "directory many has more than the limit of 10 entries"},
			{"many", ErrTooLarge, "directory many"},
		} {
			_, err := tree.ReadFile(tt.name)
			if !errors.Is(err, tt.kind) || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: got %v, want %v with %q", tt.name, err, tt.kind, tt.says)
			}
		}
	})
}

// A tree that no git would write never gets to who joins its names to a path.
func TestForbiddenNames(t *testing.T) {
	for _, name := range []string{"..", ".", ".git", ".GIT", "a/b", ""} {
		_, err := decodeDir("d", []byte("100644 "+name+"\x00"+strings.Repeat("x", 20)), 10)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func FuzzDecodeDir(f *testing.F) {
	f.Add([]byte("100644 a\x00" + strings.Repeat("x", 20) + "40000 b\x00" + strings.Repeat("y", 20)))
	f.Add([]byte("160000 ..\x00"))
	f.Add([]byte("100644 \xfd\xd9\x00" + strings.Repeat("x", 20)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := decodeDir("d", raw, 100)
		if err != nil {
			return
		}
		for i := range d.nodes {
			name := d.nodes[i].name
			if !fs.ValidPath(path.Join("d", name)) || path.Join("d", name) != "d/"+name {
				t.Errorf("name %q", name)
			}
		}
	})
}

func TestTreeConcurrently(t *testing.T) {
	u := newUpstream(t)
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprintf("d%d/e%d/f%d", i%3, i%7, i)] = strings.Repeat(fmt.Sprint(i), 500)
	}
	u.commit(files)
	tree := u.head(Limits{})
	rec := NewRecorder(tree)
	var g errgroup.Group
	for range 16 {
		g.Go(func() error {
			for name, want := range files {
				if got, err := rec.ReadFile(name); err != nil || string(got) != want {
					return fmt.Errorf("%s: %q, %w", name, got, err)
				}
				if _, err := rec.Stat(name); err != nil {
					return err
				}
				if _, err := rec.ReadDir(path.Dir(name)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, g.Wait())
	if !rec.Facts().Hold(tree) {
		t.Error("the facts do not hold")
	}
}

// write puts files into a directory; "-> x" as content makes a link to x.
func write(t testing.TB, base string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		to := filepath.Join(base, name)
		must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			must(t, os.Symlink(target, to))
		} else {
			must(t, os.WriteFile(to, []byte(content), 0o644))
		}
	}
}
