package git

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the trailer of a pack is one
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// repack merges packs, so that looking an object up does not get slower with
// every fetch. A pack that outweighs all smaller ones together stays as it is:
// that way an object is rewritten only a logarithmic number of times, and the
// pack of the first clone hardly ever.
func (m *mirror) repack(ctx context.Context, max int) error {
	if err := m.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer m.turn.Release(1)
	old := *m.packs.Load()
	if len(old) <= max {
		return nil
	}
	small, big := old.light()
	merged, err := m.merge(small)
	if err != nil {
		return fmt.Errorf("repack: %w", err)
	}
	now := append(slices.Clone(big), merged)
	m.packs.Store(&now)
	for _, p := range small {
		// Who still reads p has it open.
		os.Remove(packPath(m.packDir(), p.name, "pack"))
		os.Remove(packPath(m.packDir(), p.name, "idx"))
	}
	return nil
}

// light returns the packs to merge, and those that stay.
func (ps packs) light() (small, big packs) {
	sorted := slices.Clone(ps)
	slices.SortFunc(sorted, func(a, b *pack) int { return int(a.count - b.count) })
	total, n := int64(0), 0
	for i, p := range sorted {
		if i < 2 || p.count <= total {
			n = i + 1
		}
		total += p.count
	}
	return sorted[:n], sorted[n:]
}

// merge strings packs together. Entries are copied as they are: a delta finds
// its base in its own pack, by name or by distance, and neither changes.
// Writing the pack unpacks and checks all of them again.
func (m *mirror) merge(ps packs) (*pack, error) {
	const header, trailer = 12, sha1.Size
	var count int64
	parts := make([]io.Reader, 1, len(ps)+1)
	for _, p := range ps {
		info, err := p.file.Stat()
		if err != nil {
			return nil, err
		}
		count += p.count
		parts = append(parts, io.NewSectionReader(p.file, header, info.Size()-header-trailer))
	}
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count))
	parts[0] = bytes.NewReader(head)
	sum := sha1.New() //nolint:gosec // see the import
	entries := io.TeeReader(io.MultiReader(parts...), sum)
	return writePack(m.packDir(), io.MultiReader(entries, lazily(func() []byte { return sum.Sum(nil) })), 1<<62, m.bases)
}

// lazily reads what content returns at the first read.
func lazily(content func() []byte) io.Reader {
	var r *bytes.Reader
	return readerFunc(func(p []byte) (int, error) {
		if r == nil {
			r = bytes.NewReader(content())
		}
		return r.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
