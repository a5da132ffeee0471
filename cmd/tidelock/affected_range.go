package main

import (
	"errors"
	"fmt"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A commitRange is two states of a repository: commits in full, or "" for the
// files on disk.
type commitRange struct{ from, to string }

// parseRange resolves A..B, A...B (from where B left A), or A alone, which means
// up to the files on disk.
func parseRange(repo *gogit.Repository, text string) (r commitRange, err error) {
	from, to, both := strings.Cut(text, "..")
	to, fork := strings.CutPrefix(to, ".")
	if r.from, err = commitOf(repo, from); err != nil {
		return r, err
	}
	if !both {
		return r, nil
	}
	if r.to, err = commitOf(repo, to); err != nil {
		return r, err
	}
	if fork {
		r.from, err = mergeBase(repo, r)
	}
	return r, err
}

// commitOf resolves what git would take for a commit; "" is HEAD.
func commitOf(repo *gogit.Repository, revision string) (string, error) {
	if revision == "" {
		revision = "HEAD"
	}
	hash, err := repo.ResolveRevision(plumbing.Revision(revision))
	if err != nil {
		return "", fmt.Errorf("%s is no commit of the repository; a shallow clone may lack it: fetch more of its history", revision)
	}
	return hash.String(), nil
}

var errNoFork = errors.New("the two have no commit in common; a shallow clone may lack it: fetch more of its history")

// mergeBase returns the commit at which the two parted.
func mergeBase(repo *gogit.Repository, r commitRange) (string, error) {
	var commits [2]*object.Commit
	for i, sha := range []string{r.from, r.to} {
		commit, err := repo.CommitObject(plumbing.NewHash(sha))
		if err != nil {
			return "", fmt.Errorf("read commit %.7s: %w", sha, err)
		}
		commits[i] = commit
	}
	bases, err := commits[0].MergeBase(commits[1])
	if err != nil || len(bases) == 0 {
		return "", errNoFork
	}
	return bases[0].Hash.String(), nil
}

// pinned says whether a target revision is a tag or a commit, which stay where
// they are when a branch moves.
func pinned(repo *gogit.Repository, revision string) bool {
	if revision == "" || revision == "HEAD" {
		return false
	}
	if plumbing.IsHash(revision) {
		return true
	}
	_, branch := repo.Reference(plumbing.NewBranchReferenceName(revision), true)
	_, remote := repo.Reference(plumbing.NewRemoteReferenceName("origin", revision), true)
	_, tag := repo.Reference(plumbing.NewTagReferenceName(strings.TrimPrefix(revision, "refs/tags/")), true)
	return tag == nil && branch != nil && remote != nil
}
