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

// FuzzPointer: what is taken for a pointer is what Git LFS would write for it.
func FuzzPointer(f *testing.F) {
	p := pointer{strings.Repeat("4d", 32), 12345}
	f.Add(p.String())
	f.Add(strings.TrimSuffix(p.String(), "\n"))
	f.Add("version https://git-lfs.github.com/spec/v1\next-0-foo sha256:aa\noid sha256:bb\nsize 1\n")
	f.Add("version https://git-lfs.github.com/spec/v1\noid sha256:../../../etc/passwd\nsize -1\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePointer([]byte(text))
		switch {
		case err != nil && p != pointer{}:
			t.Fatalf("%q: %v with %v", text, p, err)
		case err == nil && (p.String() != strings.TrimSuffix(text, "\n")+"\n" || !isPointer([]byte(text)) || p.size < 0 || len(p.oid) != 64):
			t.Fatalf("%q is taken for %q", text, p)
		case err == nil && !strings.HasPrefix(lfsStore{path: "/m"}.file(p.oid), "/m/lfs/objects/"):
			t.Fatalf("%q is kept outside", text)
		}
	})
}

// FuzzGitmodules: whatever is listed lies in the tree, and whatever address comes
// of it is a server's.
func FuzzGitmodules(f *testing.F) {
	f.Add("[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = ../lib.git\n", "https://git.example.com/org/shop.git")
	f.Add("[submodule \"../x\"]\npath=../../x\nurl=file:///etc\n", "git@git.example.com:org/shop.git")
	f.Add("[submodule \"a\"]\npath=/a\nurl=ext::sh -c id\n[submodule \"b\"]\npath=b\nurl=-oProxyCommand=id\n", "ssh://git@h/x")
	f.Add("[submodule \"a\"]\npath=a\nurl=../../../../../x\n", "/srv/git/shop.git")
	f.Fuzz(func(t *testing.T, text, parent string) {
		listed, err := parseGitmodules([]byte(text))
		if err != nil && listed != nil {
			t.Fatalf("%q: %v with %v", text, listed, err)
		}
		for path, to := range listed {
			if !fs.ValidPath(path) || path == "." {
				t.Fatalf("%q lists the path %q", text, path)
			}
			address, err := moduleURL(parent, to)
			if err != nil {
				continue
			}
			scheme, _, ok := strings.Cut(address, "://")
			_, local := localPath(address)
			if local || strings.HasPrefix(address, "-") || ok && scheme != "https" && scheme != "http" && scheme != "ssh" && scheme != "git+ssh" || !ok && !scpLike.MatchString(address) {
				t.Fatalf("%q of %q leads to %q", to, parent, address)
			}
		}
	})
}
