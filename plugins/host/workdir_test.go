package host

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestSocketFits: the longest path that may be, in the longest base that may be,
// is one that the kernel takes, and a byte more is not.
func TestSocketFits(t *testing.T) {
	const digits = "4294967295" // what os.MkdirTemp puts in at most
	below := func(base string) string {
		return filepath.Join(base, strings.ReplaceAll(workDirPattern, "*", digits), strings.ReplaceAll(processPattern, "*", digits), "plugin-dir"+digits, "plugin"+digits)
	}
	root, err := os.MkdirTemp("/tmp", "tl") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	base := root + "/" + strings.Repeat("x", maxBase-len(root)-1)
	if got := len(below(base)); got != maxSocket {
		t.Errorf("the longest path has %d bytes, want %d", got, maxSocket)
	}
	for path, want := range map[string]bool{below(base): true, below(base + "x"): false} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
		if (err == nil) != want {
			t.Errorf("a socket at a path of %d bytes: %v", len(path), err)
		}
		if socket != nil {
			socket.Close()
		}
	}
	if _, err := newSocketDir(base + "x"); err == nil || !strings.Contains(err.Error(), "may have") {
		t.Errorf("a base that is too long: %v", err)
	}
}

// TestClaims: hosts that start at once in one place do not take each other's
// directory for one of the dead.
func TestClaims(t *testing.T) {
	base := t.TempDir()
	const rounds, hosts = 20, 8
	for range rounds {
		var g errgroup.Group
		dirs := make([]*workDir, hosts)
		for i := range dirs {
			g.Go(func() (err error) { dirs[i], err = newWorkDir(base); return err })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			if _, err := os.Lstat(dir.path); err != nil {
				t.Error(err)
			}
			if err := dir.remove(); err != nil {
				t.Error(err)
			}
		}
	}
}
