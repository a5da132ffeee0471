package git

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// The size of an object is that of its content, however it is packed, and before it
// is unpacked as after.
func TestPackSizes(t *testing.T) {
	u := newUpstream(t)
	files := map[string]string{"empty": ""}
	for _, size := range []int{1, 15, 16, 2047, 2048, 300_000, 5 << 20} {
		files[fmt.Sprint("of-", size)] = strings.Repeat("0123456789abcdef", size/16) + strings.Repeat("x", size%16)
	}
	for i := range 50 { // alike, so that some are deltas
		files[fmt.Sprint("like-", i)] = strings.Repeat("a line that they all have\n", 50) + fmt.Sprint(i)
	}
	u.commit(files)
	tree := u.head(Limits{FileSize: 1 << 20})
	ps := *tree.source.(*commit).mirror.packs.Load()
	plain := 0
	for name, text := range files {
		h := plumbing.ComputeHash(plumbing.BlobObject, []byte(text))
		p := ps.find(h)
		offset, err := p.index.FindOffset(h)
		must(t, err)
		if size, ok := p.sizeAt(offset); ok {
			if plain++; size != int64(len(text)) {
				t.Errorf("%s: its head says %d bytes, of %d", name, size, len(text))
			}
		}
		for range 2 { // the second time it is at hand
			if size, err := ps.size(h); err != nil || size != int64(len(text)) {
				t.Errorf("%s: %d bytes, %v, want %d", name, size, err, len(text))
			}
			got, err := tree.ReadFile(name)
			if large := len(text) > 1<<20; large != errors.Is(err, ErrTooLarge) || !large && string(got) != text {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		if _, err := ps.read(h, plumbing.BlobObject, int64(len(text))-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, at hand and over the limit: %v", name, err)
		}
		if _, err := ps.read(h, plumbing.TreeObject, 1<<30); err == nil {
			t.Errorf("%s is taken for a directory", name)
		}
	}
	if plain < 8 {
		t.Errorf("of %d objects only %d are packed as they are", len(files), plain)
	}
}

// Rubbish has no size.
func TestPackRubbish(t *testing.T) {
	for name, head := range map[string][]byte{
		"nothing":           {},
		"no such object":    {0x50, 0x01},
		"a delta":           {0x6f, 0x01},
		"one without end":   {0xb0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"one that is cut":   {0xb0},
		"one that is large": binary.AppendUvarint([]byte{0xb0}, 1<<60),
	} {
		file := filepath.Join(t.TempDir(), "pack")
		must(t, os.WriteFile(file, head, 0o600))
		f, err := os.Open(file)
		must(t, err)
		defer f.Close()
		if size, ok := (&pack{file: f}).sizeAt(0); ok {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
}
