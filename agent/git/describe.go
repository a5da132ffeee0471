package git

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A Description is what a commit says of itself. All of it was written by whoever
// could push.
type Description struct {
	Message string
	Author  string // "Jane <jane@example.com>"
	Date    time.Time
	// Tags that lead to the commit, as far as the server was heard of.
	Tags []string
}

// Describe returns what a commit says of itself, given its full SHA. It asks no
// server: only commits that were fetched are known, and only to those whose
// credentials the server has accepted before.
func (s *Store) Describe(_ context.Context, repo Repo, sha string) (Description, error) {
	r, err := s.remote(repo)
	if err != nil {
		return Description{}, err
	}
	unknown := func(why string) error {
		return &Error{URL: redact(r.repo.URL), Kind: ErrRevision, What: fmt.Sprintf("commit %.40q: %s", sha, why)}
	}
	if !fullSHA.MatchString(sha) {
		return Description{}, unknown("it is not a full commit SHA")
	}
	l, h := r.last.Load(), plumbing.NewHash(sha)
	if l == nil || !r.mirror.has(h) {
		return Description{}, unknown("it was not fetched")
	}
	raw, err := r.mirror.read(h, plumbing.CommitObject, maxCommit)
	if err != nil {
		return Description{}, unknown(err.Error())
	}
	d, err := describe(raw)
	if err != nil {
		return Description{}, unknown(err.Error())
	}
	d.Tags = l.tagsOf(h)
	return d, nil
}

// describe decodes a commit object.
func describe(raw []byte) (Description, error) {
	o := new(plumbing.MemoryObject)
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(raw); err != nil {
		return Description{}, err
	}
	var c object.Commit
	if err := c.Decode(o); err != nil {
		return Description{}, err
	}
	return Description{
		Message: strings.ToValidUTF8(strings.TrimSpace(c.Message), "�"),
		Author:  strings.ToValidUTF8(c.Author.String(), "�"),
		Date:    c.Committer.When,
	}, nil
}

// tagsOf returns the short names of the tags that lead to a commit.
func (l *listing) tagsOf(h plumbing.Hash) (tags []string) {
	for name := range l.refs {
		short, tag := strings.CutPrefix(name, "refs/tags/")
		if to, ok := l.commit(name); tag && ok && to == h {
			tags = append(tags, short)
		}
	}
	slices.Sort(tags)
	return tags
}
