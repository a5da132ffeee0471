package settings

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// A Reader reads the ConfigMap again whenever it has changed. It is safe for
// concurrent use.
type Reader struct {
	source func() (data map[string]string, version string)
	log    *slog.Logger

	// Misread, if not nil, is told of what cannot be read, whenever there is anything of
	// it that was not said before. It must not block. Set it before the first use.
	Misread func([]Problem)

	mu      sync.Mutex // guards all below
	version string
	current *Settings
}

// NewReader returns a Reader. Source returns the data of the ConfigMap, nil if
// there is none, and a version that is another whenever the data is.
func NewReader(source func() (map[string]string, string), log *slog.Logger) *Reader {
	return &Reader{source: source, log: log}
}

// Settings are as they are now. They are the same pointer for as long as nothing
// has changed.
func (r *Reader) Settings() *Settings {
	data, version := r.source()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil && r.version == version {
		return r.current
	}
	next := Read(data, r.current)
	r.report(next)
	r.version, r.current = version, next
	return next
}

// report logs what is new of problems and notes.
func (r *Reader) report(next *Settings) {
	said := map[string]bool{}
	if r.current != nil {
		for _, p := range r.current.Problems {
			said[p.String()] = true
		}
		for _, note := range r.current.Notes {
			said[note] = true
		}
	}
	news := false
	for _, p := range next.Problems {
		if !said[p.String()] {
			news = true
			r.log.Warn("an entry cannot be read, and stays as it was", "configmap", ConfigMap, "entry", p.Place, "line", p.Line, "error", p.Text)
		}
	}
	if news && r.Misread != nil {
		r.Misread(next.Problems)
	}
	notes := slices.DeleteFunc(slices.Clone(next.Notes), func(note string) bool { return said[note] })
	if len(notes) > 0 {
		r.log.Info("entries have no effect", "configmap", ConfigMap, "entries", strings.Join(notes, "; "))
	}
}
