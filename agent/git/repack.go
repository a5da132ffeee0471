package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
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

// merge strings packs together. Entries are copied as they are, each object
// once: packs overlap, for servers send again what they do not know us to have.
// Writing the pack unpacks and checks all of them again.
func (m *mirror) merge(ps packs) (*pack, error) {
	r, w := io.Pipe()
	var g errgroup.Group
	g.Go(func() error {
		err := copyPacks(w, ps)
		w.CloseWithError(err)
		return err
	})
	p, err := writePack(m.packDir(), r, 1<<62, m.bases)
	r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	return p, errors.Join(err, g.Wait())
}
