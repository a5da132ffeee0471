package git

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"
)

// maxPeel is how many annotated tags may point to each other.
const maxPeel = 5

var (
	fullSHA  = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)
	shortSHA = regexp.MustCompile(`^[0-9a-fA-F]{7,39}$`)
)

// resolve finds what a revision stands for: "" and HEAD, a full ref, a branch,
// a tag, or the greatest tag within a semantic version constraint, in this
// order. A branch wins over a tag of the same name; "refs/tags/x" or "tags/x"
// says which is meant.
func (l *listing) resolve(repo Repo, revision string) (plumbing.Hash, bool) {
	if revision == "" || revision == "HEAD" {
		return l.head, !l.head.IsZero()
	}
	ref, ok := l.find(repo.TagPrefix, revision)
	if !ok {
		return plumbing.ZeroHash, false
	}
	return l.commit(ref)
}

// find returns the full ref that a revision other than HEAD stands for. With a
// prefix, a constraint is nothing but one over tags that begin so.
func (l *listing) find(tagPrefix, revision string) (ref string, ok bool) {
	if _, err := semver.NewConstraint(revision); err == nil && tagPrefix != "" {
		return l.greatest(tagPrefix, revision)
	}
	for _, name := range []string{revision, "refs/heads/" + revision, "refs/tags/" + revision, "refs/" + revision} {
		if strings.HasPrefix(name, "refs/") {
			if _, ok := l.commit(name); ok {
				return name, true
			}
		}
	}
	return l.greatest(tagPrefix, revision)
}

// greatest resolves a constraint such as "1.2.*" or ">=1.0 <2.0" over the tags.
func (l *listing) greatest(tagPrefix, revision string) (ref string, ok bool) {
	constraint, err := semver.NewConstraint(revision)
	if err != nil {
		return "", false
	}
	var best *semver.Version
	for name := range l.refs {
		short, ok := strings.CutPrefix(name, "refs/tags/"+tagPrefix)
		if !ok {
			continue
		}
		v, err := semver.NewVersion(short)
		if err != nil || !constraint.Check(v) {
			continue
		}
		if best == nil || cmp.Or(v.Compare(best), strings.Compare(name, ref)) > 0 {
			best, ref = v, name
		}
	}
	return ref, best != nil
}

// unknown is the error for a revision that does not resolve.
func (l *listing) unknown(repo Repo, revision string) error {
	e := &Error{URL: redact(repo.URL), Kind: ErrRevision, What: fmt.Sprintf("%q is no branch, tag or commit of it", revision)}
	if repo.TagPrefix != "" {
		e.What += fmt.Sprintf(", nor a range that holds a tag which begins with %q", repo.TagPrefix)
	}
	switch similar := l.similar(revision); {
	case len(l.refs) == 0:
		e.What = "the repository is empty"
		e.Hint = "push a first commit"
	case len(similar) > 0:
		e.Hint = "did you mean " + strings.Join(similar, ", ") + "?"
	case revision == "" || revision == "HEAD":
		e.What = "the repository's HEAD points to a branch that does not exist"
		e.Hint = "name a branch"
	default:
		names := l.names()
		e.Hint = "it has " + strings.Join(names[:min(5, len(names))], ", ")
	}
	return e
}

// expand finds the one commit that a short SHA stands for.
func (m *mirror) expand(short string) (plumbing.Hash, error) {
	ps := *m.packs.Load()
	var commits []plumbing.Hash
	for _, h := range ps.withPrefix(strings.ToLower(short), 100) {
		if _, err := ps.read(h, plumbing.CommitObject, maxCommit); err == nil {
			commits = append(commits, h)
		}
	}
	switch len(commits) {
	case 0:
		return plumbing.ZeroHash, plumbing.ErrObjectNotFound
	case 1:
		return commits[0], nil
	}
	slices.SortFunc(commits, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	return plumbing.ZeroHash, fmt.Errorf("%s is short for %d commits, such as %s and %s", short, len(commits), commits[0], commits[1])
}
