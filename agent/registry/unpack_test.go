package registry

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/tidelock-io/tidelock/agent/git"
)

// tarOf makes an archive of one entry.
func tarOf(t testing.TB, header tar.Header, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	header.Size, header.Mode = int64(len(content)), 0o644
	if err := w.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever an archive holds, what comes out of it is within the limits, can be
// made a tree unless two files are in each other's way, and failure gives nothing.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"shop/Chart.yaml", "../x", "/etc/passwd", "shop//./x", "a/b/c/d", `a\b`} {
		f.Add(tarOf(f, tar.Header{Name: name, Typeflag: tar.TypeReg}, "x"))
	}
	f.Add(tarOf(f, tar.Header{Name: "link", Linkname: "../x", Typeflag: tar.TypeSymlink}, ""))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Unpacked: 1 << 16, Files: 100}.orDefault()
		for _, unpack := range []func([]byte, Limits) ([]git.Member, error){unpackChart, unpackLayer} {
			members, err := unpack(data, limits)
			total := int64(0)
			for _, m := range members {
				total += int64(len(m.Content))
				if !fs.ValidPath(m.Name) {
					t.Errorf("unpacked %q", m.Name)
				}
			}
			if err != nil && members != nil || total > limits.Unpacked {
				t.Errorf("%d bytes, %v", total, err)
			}
			if _, err := git.Archive("1.0.0", members); err != nil && len(members) < 2 {
				t.Errorf("no tree of %d files: %v", len(members), err)
			}
		}
	})
}
