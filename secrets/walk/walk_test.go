package walk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

func tree(names ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range names {
		name, text, ok := strings.Cut(name, "=")
		if !ok {
			text = "x"
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestFiles(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tree  fstest.MapFS
		root  string
		o     walk.Options
		want  string
		other string // skipped, or the error
	}{
		{"in order", tree("b", "a/z", "a/b"), ".", walk.Options{}, "a/b a/z b", ""},
		{"below", tree("b", "a/z", "a/b"), "a", walk.Options{}, "a/b a/z", ""},
		{"a file", tree("b", "a/z"), "a/z", walk.Options{}, "a/z", ""},
		{"Git's own", tree(".git/config", "a/.git", "b"), ".", walk.Options{}, "b", ""},
		{"binary", tree("a=\x00", "b"), ".", walk.Options{}, "b", ""},
		{"large", tree("a=12345", "b=1234"), ".", walk.Options{MaxBytes: 4}, "b", "a: it has 5 bytes, and 4 are read"},
		{"ignored", tree(".gitignore=*.log\n# a comment\n!keep.log\n/dir/\n", "a.log", "keep.log", "dir/a", "sub/dir/a"), ".", walk.Options{}, ".gitignore keep.log sub/dir/a", ""},
		{"ignored by a directory's own", tree("a/.gitignore=b\r\n", "a/b", "b"), ".", walk.Options{}, "a/.gitignore b", ""},
		{"ignored by one above", tree(".gitignore=b\n", "a/b", "a/c"), "a", walk.Options{}, "a/c", ""},
		{"what is ignored, too", tree(".gitignore=b\n", "a/b"), "a", walk.Options{Ignored: true}, "a/b", ""},
		{"excluded", tree("a/b", "c"), ".", walk.Options{Exclude: []string{"a/"}}, "c", ""},
		{"too many", tree("a", "b", "c"), ".", walk.Options{MaxFiles: 2}, "a b", "over the limit: more than 2 files"},
		{"too deep", tree("a/b/c/d"), ".", walk.Options{MaxDepth: 2}, "", "a/b/c: over the limit: more than 2 directories in one another"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen, other []string
			report, err := walk.Files(context.Background(), tt.tree, tt.root, tt.o, func(at string, _ []byte) error {
				seen = append(seen, at)
				return nil
			})
			for _, s := range report.Skipped {
				other = append(other, s.Path+": "+s.Reason)
			}
			if err != nil {
				other = append(other, err.Error())
				if !errors.Is(err, walk.ErrLimit) {
					t.Errorf("error %v", err)
				}
			}
			if got := strings.Join(seen, " "); got != tt.want || strings.Join(other, "; ") != tt.other {
				t.Errorf("got %q, %q; want %q, %q", got, other, tt.want, tt.other)
			}
		})
	}
}

// Links are not followed, wherever they lead; nor is a file read that is none.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.WriteFile(outside, []byte("x"), 0o600),
		os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "link")),
		os.Symlink(filepath.Dir(outside), filepath.Join(dir, "links")),
		os.Symlink("file", filepath.Join(dir, "inside")),
		os.Symlink(".", filepath.Join(dir, "loop")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files, err := git.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	if _, err := walk.Files(context.Background(), files, ".", walk.Options{}, func(at string, _ []byte) error {
		seen = append(seen, at)
		return nil
	}); err != nil || strings.Join(seen, " ") != "file" {
		t.Errorf("read %q, %v", seen, err)
	}
}
