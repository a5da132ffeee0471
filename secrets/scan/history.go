package scan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/utils/merkletrie"

	"github.com/tidelock-io/tidelock/secrets/walk"
)

// maxCommits bounds the commits of one range.
const maxCommits = 100_000

// History looks into the lines that the commits of a range add to what is below
// a path: those of B that A has not, of A..B, or all of B. Progress is told of
// each commit.
func (s *Scanner) History(ctx context.Context, dir, below, span string, progress func(commits int)) (*Report, error) {
	repo, err := open(dir)
	if err != nil {
		return nil, err
	}
	commits, err := commitsOf(ctx, repo, span)
	if err != nil {
		return nil, err
	}
	h := &history{scanner: s, blobs: blobs{repo}, below: below, workers: s.workers(ctx), report: &Report{}}
	for i, commit := range commits {
		if err = ctx.Err(); err == nil {
			err = h.commit(commit)
		}
		if err != nil {
			break
		}
		progress(i + 1)
	}
	if err := h.workers.wait(err); err != nil {
		return nil, err
	}
	h.report.Findings, h.report.Commits = h.workers.sorted(), len(commits)
	return h.report, nil
}

// commitsOf lists the commits of a range, the newest first.
func commitsOf(ctx context.Context, repo *gogit.Repository, span string) ([]*object.Commit, error) {
	from, to, isRange := strings.Cut(span, "..")
	if !isRange {
		from, to = "", span
	}
	if strings.HasPrefix(to, ".") {
		return nil, fmt.Errorf("%s: give A..B, or the commit whose history is meant", span)
	}
	last, err := resolve(repo, to)
	if err != nil {
		return nil, err
	}
	seen := map[plumbing.Hash]bool{}
	if from != "" {
		first, err := resolve(repo, from)
		if err != nil {
			return nil, err
		}
		if _, err := reach(ctx, repo, first, seen); err != nil {
			return nil, err
		}
	}
	return reach(ctx, repo, last, seen)
}

func resolve(repo *gogit.Repository, revision string) (plumbing.Hash, error) {
	if revision == "" {
		revision = "HEAD"
	}
	hash, err := repo.ResolveRevision(plumbing.Revision(revision))
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("there is no commit %s here", revision)
	}
	return *hash, nil
}

// reach lists a commit and its ancestors but for those that were seen. What a
// shallow clone has not is left out.
func reach(ctx context.Context, repo *gogit.Repository, from plumbing.Hash, seen map[plumbing.Hash]bool) ([]*object.Commit, error) {
	var all []*object.Commit
	for todo := []plumbing.Hash{from}; len(todo) > 0; {
		hash := todo[0]
		todo = todo[1:]
		if seen[hash] {
			continue
		}
		seen[hash] = true
		commit, err := repo.CommitObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) && hash != from {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read commit %s: %w", hash, err)
		}
		if all = append(all, commit); len(all) > maxCommits {
			return nil, fmt.Errorf("%w: more than %d commits: give a range A..B", walk.ErrLimit, maxCommits)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		todo = append(todo, commit.ParentHashes...)
	}
	return all, nil
}

type history struct {
	scanner *Scanner
	blobs   blobs
	below   string
	workers *workers
	report  *Report
}

// commit looks into what a commit adds to all of its parents: a merge adds what
// none of them has.
func (h *history) commit(c *object.Commit) error {
	tree, err := c.Tree()
	if err != nil {
		return fmt.Errorf("read commit %s: %w", c.Hash, err)
	}
	var parents []*object.Tree
	for _, hash := range c.ParentHashes {
		parent, err := h.blobs.repo.CommitObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			// Where a shallow clone begins, what is old cannot be told from what is new.
			h.report.Skipped = append(h.report.Skipped, walk.Skipped{Path: "commit " + c.Hash.String(), Reason: "the clone is shallow: its parent is not here"})
			return nil
		}
		if err != nil {
			return fmt.Errorf("read commit %s: %w", hash, err)
		}
		before, err := parent.Tree()
		if err != nil {
			return fmt.Errorf("read commit %s: %w", hash, err)
		}
		parents = append(parents, before)
	}
	first := &object.Tree{}
	if len(parents) > 0 {
		first = parents[0]
	}
	changes, err := object.DiffTree(first, tree)
	if err != nil {
		return fmt.Errorf("compare commit %s: %w", c.Hash, err)
	}
	for _, change := range changes {
		h.change(c, change, parents)
	}
	return nil
}

func (h *history) change(c *object.Commit, change *object.Change, parents []*object.Tree) {
	action, err := change.Action()
	now := change.To
	if err != nil || action == merkletrie.Delete || !regular(now.TreeEntry.Mode) || !within(now.Name, h.below) || now.Name == h.scanner.rules.config {
		return
	}
	var former []plumbing.Hash
	for _, parent := range parents {
		entry, err := parent.FindEntry(now.Name)
		if err != nil || !regular(entry.Mode) {
			continue
		}
		if entry.Hash == now.TreeEntry.Hash {
			return // a merge took it from there
		}
		former = append(former, entry.Hash)
	}
	t, ok := h.blobs.text(h.report, now.Name, now.TreeEntry.Hash, former...)
	if !ok {
		return
	}
	t.commit, t.author, t.date = c.Hash.String(), c.Author.Name, c.Author.When.UTC().Format("2006-01-02T15:04:05Z")
	h.workers.look(t)
}
