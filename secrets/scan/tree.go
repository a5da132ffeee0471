package scan

import (
	"context"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// A Report is what was found, and in how much.
type Report struct {
	Findings []Finding `json:"findings"`
	Files    int       `json:"files"`
	Commits  int       `json:"commits,omitempty"`
	// Skipped are files that were not looked into, and why.
	Skipped []walk.Skipped `json:"skipped,omitempty"`
}

// Tree looks into the files below root.
func (s *Scanner) Tree(ctx context.Context, tree fs.FS, root string, o walk.Options) (*Report, error) {
	w := s.workers(ctx)
	if s.cleared != nil {
		w.cleared = s.cleared(root)
	}
	report, err := walk.Files(ctx, tree, root, o, func(at string, data []byte) error {
		if at != s.rules.config {
			w.look(text{path: at, data: data, read: func(name string) ([]byte, error) { return fs.ReadFile(tree, name) }})
		}
		return nil
	})
	if err := w.wait(err); err != nil {
		return nil, err
	}
	w.cleared.Keep()
	return &Report{Findings: w.sorted(), Files: report.Files, Skipped: report.Skipped}, nil
}

// workers look into texts, as many at once as there are processors.
type workers struct {
	scanner *Scanner
	cleared *shelf.Cleared
	group   *errgroup.Group
	ctx     context.Context //nolint:containedctx // of the group
	mu      sync.Mutex
	found   []Finding // guarded by mu
}

func (s *Scanner) workers(ctx context.Context) *workers {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	return &workers{scanner: s, group: group, ctx: ctx}
}

func (w *workers) look(t text) {
	id := w.cleared.Digest([]byte(t.path), t.data)
	if w.cleared.Has(id) {
		return
	}
	w.group.Go(func() error {
		found, clear, err := w.scanner.text(w.ctx, t)
		if err != nil {
			return err
		}
		if clear {
			w.cleared.Add(id)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.found = append(w.found, found...)
		return nil
	})
}

// wait returns the error of who gave the texts, or that of the context.
func (w *workers) wait(err error) error {
	if own := w.group.Wait(); err == nil {
		err = own
	}
	return err
}

func (w *workers) sorted() []Finding {
	slices.SortStableFunc(w.found, Finding.compare)
	if w.found == nil {
		return []Finding{}
	}
	return w.found
}
