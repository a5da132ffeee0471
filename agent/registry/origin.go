package registry

import (
	"context"
	"net/http"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
)

// A pin is what a revision stood for.
type pin struct {
	revision string // as others see it: a version, or a digest
	content  string // other content, another text
	release  release
}

// An origin speaks to one server about one place. Only one of its methods runs at
// a time. Their errors are *git.Error, or that of ctx.
type origin interface {
	// refresh asks for what is new.
	refresh(ctx context.Context) error
	// find says what a revision stands for, as of the last refresh. A registry may
	// be asked for each revision.
	find(ctx context.Context, chart, revision string) (pin, error)
	// fetch brings the files.
	fetch(ctx context.Context, chart string, p pin) (*git.Tree, error)
	close()
}

// newOrigin connects, without asking yet.
func newOrigin(p Place, limits Limits, keep func(pin, *git.Tree)) (origin, error) {
	switch p.kind {
	case helm:
		return newRepository(p, limits)
	case file:
		return newSingle(p, limits, keep)
	}
	return newPackages(p, limits)
}

// A stamp says which answer of a server we have, so that it need not send it
// again.
type stamp struct{ etag, modified string }

func stampOf(res *http.Response) stamp {
	etag, modified := res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	if etag != "" || young(modified, res.Header.Get("Date")) {
		modified = ""
	}
	return stamp{etag, modified}
}

// young says that what was modified may yet be modified within the same second
// (RFC 9110, 8.8.2.2).
func young(modified, date string) bool {
	m, err := http.ParseTime(modified)
	d, err2 := http.ParseTime(date)
	return err != nil || err2 != nil || d.Sub(m) < time.Minute
}

// header asks for what is newer.
func (s stamp) header() http.Header {
	h := http.Header{}
	if s.etag != "" {
		h.Set("If-None-Match", s.etag)
	}
	if s.modified != "" {
		h.Set("If-Modified-Since", s.modified)
	}
	return h
}

// tree makes a tree of an archive's files.
func (c *client) tree(revision string, members []git.Member, err error) (*git.Tree, error) {
	if err != nil {
		return nil, c.explain(err)
	}
	tree, err := git.Archive(revision, members)
	return tree, c.explain(err)
}
