package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/tidelock-io/tidelock/agent/git/signature"
)

// ErrUnproven says that a commit or tag is not signed as it has to be. Trying
// again does not help before somebody changes the repository, or the keys.
var ErrUnproven = errors.New("not signed as its project demands")

// A Demand is what must be signed, and by whom. The zero Demand asks for
// nothing.
type Demand struct {
	// Keys are accepted; nil if nothing needs to be signed.
	Keys *signature.Keys
	// Strict asks for the whole ancestry: back to the first commits, or to those
	// that are signed and vouch for what is before them.
	Strict bool
	// By says whose demand it is, for messages.
	By string
}

// Verify proves that sha is signed as demanded. If revision is an annotated tag
// of it, the tag's signature is asked for, and in strict mode both. It reads raw
// objects of the mirror, whose ids say that they are what was signed.
// Errors: ErrUnproven, and those of Tree.
func (s *Store) Verify(ctx context.Context, repo Repo, revision, sha string, demand Demand, now time.Time) error {
	if demand.Keys == nil {
		return nil
	}
	if _, err := s.Tree(ctx, repo, sha); err != nil {
		return err
	}
	r, err := s.remote(repo)
	if err != nil {
		return err
	}
	commit := plumbing.NewHash(sha)
	tag, tagged := r.annotated(repo.TagPrefix, revision, commit)
	if tagged {
		if err := s.have(ctx, r, tag.object); err != nil {
			return err
		}
		if err := r.mirror.verifyTag(tag, commit, demand, now); err != nil {
			return demand.refuse(r, "tag "+tag.name(), err)
		}
	}
	if demand.Strict {
		return demand.refuse(r, "", s.verifyAncestry(ctx, r, commit, demand, now))
	}
	if !tagged {
		return demand.refuse(r, "commit "+sha, r.mirror.verifyCommit(commit, demand, now))
	}
	return nil
}

// verifyAncestry fetches the history that it needs.
func (s *Store) verifyAncestry(ctx context.Context, r *remote, commit plumbing.Hash, demand Demand, now time.Time) error {
	err := r.mirror.verifyAncestry(ctx, commit, demand, now)
	if !errors.Is(err, errShallow) {
		return err
	}
	if err := s.history(ctx, r, commit); err != nil {
		return err
	}
	return r.mirror.verifyAncestry(ctx, commit, demand, now)
}

// refuse says what is not proven, where, and who may sign.
func (d Demand) refuse(r *remote, what string, err error) error {
	var known *Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, ErrCorrupt):
		return r.corrupt(err)
	}
	if what != "" {
		what += ": "
	}
	return &Error{
		URL: redact(r.repo.URL), Kind: ErrUnproven, What: what + err.Error(),
		Hint: fmt.Sprintf("%s accepts keys %s", d.By, d.Keys),
	}
}

// have fetches an object that the mirror lacks.
func (s *Store) have(ctx context.Context, r *remote, h plumbing.Hash) error {
	if r.mirror.has(h) {
		return nil
	}
	if err := s.fetch(ctx, r, h); err != nil {
		return err
	}
	if !r.mirror.has(h) {
		return r.missing(h)
	}
	return nil
}

// An annotatedTag is a ref that leads to a tag object.
type annotatedTag struct {
	ref    string
	object plumbing.Hash
}

func (t annotatedTag) name() string { return strings.TrimPrefix(t.ref, "refs/tags/") }

// annotated returns the annotated tag that a revision stands for, if it leads to
// the commit: an older commit of a tag that was moved has to be signed itself.
func (r *remote) annotated(tagPrefix, revision string, commit plumbing.Hash) (annotatedTag, bool) {
	l := r.last.Load()
	if l == nil {
		return annotatedTag{}, false
	}
	ref, ok := l.find(tagPrefix, revision)
	if !ok || !strings.HasPrefix(ref, "refs/tags/") || l.peeled[ref] != commit {
		return annotatedTag{}, false
	}
	return annotatedTag{ref, l.refs[ref]}, true
}

// verifyTag proves a tag, and that it is the one that its ref says: who may move
// refs could else pass an old release for a new one.
func (m *mirror) verifyTag(tag annotatedTag, commit plumbing.Hash, demand Demand, now time.Time) error {
	raw, err := m.read(tag.object, plumbing.TagObject, maxCommit)
	if err != nil {
		return err
	}
	o, err := signature.ParseTag(raw)
	if err != nil {
		return err
	}
	if _, err := demand.Keys.Verify(o, now); err != nil {
		return err
	}
	if o.Name != tag.name() {
		return fmt.Errorf("it is the tag %.80q under another name", o.Name)
	}
	if end, err := m.peel(plumbing.NewHash(o.Target)); err != nil || end != commit {
		return errors.Join(errors.New("it does not lead to commit "+commit.String()), err)
	}
	return nil
}

// peel follows tags to a commit.
func (m *mirror) peel(h plumbing.Hash) (plumbing.Hash, error) {
	for range maxPeel {
		raw, err := m.read(h, plumbing.TagObject, maxCommit)
		var other *wrongType
		if errors.As(err, &other) {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		if h, err = tagTarget(raw); err != nil {
			return h, err
		}
	}
	return h, fmt.Errorf("more than %d tags that point to each other", maxPeel)
}

func (m *mirror) verifyCommit(h plumbing.Hash, demand Demand, now time.Time) error {
	o, err := m.parse(h)
	if err != nil {
		return err
	}
	_, err = demand.Keys.Verify(o, now)
	return err
}

func (m *mirror) parse(h plumbing.Hash) (*signature.Object, error) {
	raw, err := m.read(h, plumbing.CommitObject, maxCommit)
	if err != nil {
		return nil, err
	}
	return signature.ParseCommit(raw)
}
