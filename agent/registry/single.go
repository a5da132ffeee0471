package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"

	"github.com/tidelock-io/tidelock/agent/git"
)

// A single is one file at an address. Its content is its only revision.
type single struct {
	*client
	limits Limits
	seen   stamp
	now    pin
	// keep is told of a content that came with the news of it.
	keep func(p pin, tree *git.Tree)
}

func newSingle(p Place, limits Limits, keep func(pin, *git.Tree)) (*single, error) {
	c, err := newClient(p, p.URL)
	if err != nil {
		return nil, err
	}
	return &single{client: c, limits: limits, keep: keep}, nil
}

// refresh reads the file, unless it is the one that we know.
func (s *single) refresh(ctx context.Context) error {
	_, err := s.read(ctx, s.seen)
	return err
}

// read returns nil if the file is the one of a stamp.
func (s *single) read(ctx context.Context, known stamp) (*git.Tree, error) {
	res, err := s.get(ctx, s.place.URL, known.header())
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified {
		return nil, nil
	}
	if media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); media == "text/html" {
		return nil, s.place.failf(git.ErrRepository, "write the address of the raw file", "the server answers with a web page")
	}
	data, err := read(ctx, res.Body, s.limits.File)
	if err != nil {
		return nil, s.explain(err)
	}
	sum := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	tree, err := s.tree(digest, []git.Member{{Name: s.place.fileName(), Content: data}}, nil)
	if err != nil {
		return nil, err
	}
	s.now, s.seen = pin{revision: digest, content: digest}, stampOf(res)
	s.keep(s.now, tree)
	return tree, nil
}

// find knows one revision only, whatever it is asked for.
func (s *single) find(_ context.Context, _, revision string) (pin, error) {
	if revision != "" && revision != "HEAD" && revision != s.now.revision {
		return pin{}, s.place.failf(git.ErrRevision, "a file has no versions: leave the revision empty", "the file is not at %.80q", revision)
	}
	return s.now, nil
}

// fetch reads what was known and let go of.
func (s *single) fetch(ctx context.Context, _ string, p pin) (*git.Tree, error) {
	tree, err := s.read(ctx, stamp{})
	if err == nil && s.now.content != p.content {
		return nil, s.place.failf(git.ErrRevision, "", "the file is no longer what it was")
	}
	return tree, err
}
