package scan

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/utils/diff"
	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/tidelock-io/tidelock/secrets/walk"
)

// maxBlob bounds the bytes of one file in Git that is looked into.
const maxBlob = 4 << 20

// open opens the repository of a work tree, which may share it with others.
func open(dir string) (*gogit.Repository, error) {
	repo, err := gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return nil, fmt.Errorf("%s: open the Git repository: %w", dir, err)
	}
	return repo, nil
}

// Staged looks into the lines that are staged for the next commit of the
// repository of dir, below a path of it. Git names another index to its hooks
// when it commits some files only; without one it is the repository's own.
func (s *Scanner) Staged(ctx context.Context, dir, below, indexFile string) (*Report, error) {
	repo, err := open(dir)
	if err != nil {
		return nil, err
	}
	staged, err := readIndex(repo, indexFile)
	if err != nil {
		return nil, fmt.Errorf("read what is staged: %w", err)
	}
	before, err := headTree(repo)
	if err != nil {
		return nil, err
	}
	w := s.workers(ctx)
	b := &blobs{repo: repo}
	report := &Report{}
	for _, entry := range staged.Entries {
		if ctx.Err() != nil {
			break
		}
		if !within(entry.Name, below) || !regular(entry.Mode) || entry.Name == s.rules.config {
			continue
		}
		old := before(entry.Name)
		if old == entry.Hash {
			continue
		}
		t, ok := b.text(report, entry.Name, entry.Hash, old)
		if ok {
			w.look(t)
		}
	}
	if err := w.wait(ctx.Err()); err != nil {
		return nil, err
	}
	report.Findings = w.sorted()
	return report, nil
}

func readIndex(repo *gogit.Repository, name string) (*index.Index, error) {
	if name == "" {
		return repo.Storer.Index()
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	read := &index.Index{}
	return read, index.NewDecoder(bufio.NewReader(f)).Decode(read)
}

func within(name, below string) bool {
	return below == "." || below == "" || name == below || strings.HasPrefix(name, below+"/")
}

func regular(mode filemode.FileMode) bool {
	return mode == filemode.Regular || mode == filemode.Executable || mode == filemode.Deprecated
}

// headTree returns what tells a file's blob in the last commit, zero if there is
// none.
func headTree(repo *gogit.Repository) (func(string) plumbing.Hash, error) {
	head, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return func(string) plumbing.Hash { return plumbing.ZeroHash }, nil // no commit yet
	}
	if err != nil {
		return nil, fmt.Errorf("read the last commit: %w", err)
	}
	commit, err := repo.CommitObject(head.Hash())
	if err != nil {
		return nil, fmt.Errorf("read the last commit: %w", err)
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil, fmt.Errorf("read the last commit: %w", err)
	}
	return func(name string) plumbing.Hash {
		entry, err := tree.FindEntry(name)
		if err != nil || !regular(entry.Mode) {
			return plumbing.ZeroHash
		}
		return entry.Hash
	}, nil
}

// blobs read versions of files.
type blobs struct{ repo *gogit.Repository }

// text returns a version of a file, of which those lines count that are in none
// of the former versions. It reports false for what is not looked into.
func (b *blobs) text(report *Report, name string, now plumbing.Hash, former ...plumbing.Hash) (text, bool) {
	data, err := b.read(now)
	if err != nil {
		report.Skipped = append(report.Skipped, walk.Skipped{Path: name, Reason: err.Error()})
		return text{}, false
	}
	if walk.Binary(data) {
		return text{}, false
	}
	report.Files++
	t := text{path: name, data: data}
	var added []map[int]bool
	for _, hash := range former {
		if hash.IsZero() {
			continue
		}
		old, err := b.read(hash)
		if err != nil || walk.Binary(old) {
			continue // all of it is new, then
		}
		added = append(added, newLines(string(old), string(data)))
	}
	if added != nil {
		t.added = func(line int) bool {
			for _, lines := range added {
				if !lines[line] {
					return false
				}
			}
			return true
		}
	}
	return t, true
}

func (b *blobs) read(hash plumbing.Hash) ([]byte, error) {
	blob, err := object.GetBlob(b.repo.Storer, hash)
	if err != nil {
		return nil, err
	}
	if blob.Size > maxBlob {
		return nil, fmt.Errorf("it has %d bytes, and %d are read", blob.Size, maxBlob)
	}
	in, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// diffTime is how long two texts are compared. What is not told apart by then
// counts as new.
const diffTime = 10 * time.Second

// newLines are those of a text, from 1, that a former one has not.
func newLines(old, now string) map[int]bool {
	added := map[int]bool{}
	line := 1
	for _, part := range diff.DoWithTimeout(old, now, diffTime) {
		count := strings.Count(part.Text, "\n")
		if count == 0 || !strings.HasSuffix(part.Text, "\n") {
			count++
		}
		switch part.Type {
		case diffmatchpatch.DiffInsert:
			for i := range count {
				added[line+i] = true
			}
			line += count
		case diffmatchpatch.DiffEqual:
			line += count
		}
	}
	return added
}
