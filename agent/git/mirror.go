package git

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"golang.org/x/sync/semaphore"
)

const (
	cachedDirEntries = 200_000 // of decoded directories, per mirror and generation
	cachedTrees      = 64      // per mirror and generation
	cachedBases      = 4 << 20 // bytes of small objects and bases of deltas, per mirror
	cachedAncestries = 16      // sets of keys that histories are proven by, per mirror and generation
)

// A mirror is a bare repository on disk that holds the objects of one
// repository, whoever asked for them. It is a cache: what is wrong with it is
// cured by dropping it. What refs point at is not its business; it only keeps
// them to tell a server what it has.
type mirror struct {
	path   string
	limits Limits
	log    *slog.Logger

	turn   *semaphore.Weighted      // held by the one fetch, repack or drop
	cloned time.Time                // when this process last filled it from nothing; needs turn
	tips   map[string]plumbing.Hash // what refs pointed at in the last fetch; needs turn

	packs   atomic.Pointer[packs]
	cut     atomic.Pointer[boundary]
	deep    atomic.Bool // somebody needed history
	bases   cache.Object
	dirs    *generations[plumbing.Hash, *dir]
	trees   *generations[plumbing.Hash, *Tree]
	damaged atomic.Pointer[damage]

	ancestries *generations[string, *ancestry] // by the fingerprints of keys
}

func openMirror(path string, limits Limits, log *slog.Logger) (*mirror, error) {
	m := &mirror{
		path: path, limits: limits, log: log, turn: semaphore.NewWeighted(1),
		bases: cache.NewObjectLRU(cachedBases),
		dirs:  newGenerations[plumbing.Hash](cachedDirEntries, func(d *dir) int { return len(d.nodes) + 1 }),
		trees: newGenerations[plumbing.Hash](cachedTrees, func(*Tree) int { return 1 }),

		ancestries: newGenerations[string](cachedAncestries, func(*ancestry) int { return 1 }),
	}
	if err := m.load(); err != nil {
		log.Warn("dropping a damaged git mirror", "mirror", path, "error", err)
		return m, m.drop()
	}
	return m, nil
}

func (m *mirror) packDir() string { return filepath.Join(m.path, "objects", "pack") }

// load opens what an earlier process left.
func (m *mirror) load() error {
	if err := m.create(); err != nil {
		return err
	}
	leftovers, err := filepath.Glob(filepath.Join(m.packDir(), "tmp_*"))
	if err != nil {
		return err
	}
	for _, file := range leftovers {
		os.Remove(file)
	}
	ps, err := openPacks(m.packDir(), m.bases)
	if err != nil {
		return err
	}
	m.packs.Store(&ps)
	if err := m.loadCut(); err != nil {
		return err
	}
	m.tips, err = m.loadTips()
	return err
}

// create lays out a bare repository that any git can read.
func (m *mirror) create() error {
	if err := os.MkdirAll(m.packDir(), 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(m.path, "refs"), 0o700); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"HEAD":   "ref: refs/heads/main\n",
		"config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
	} {
		if err := writeFile(filepath.Join(m.path, name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets all objects. Trees that are in use read again once the mirror
// has been filled anew.
func (m *mirror) drop() error {
	gone := m.path + ".dropped"
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("drop mirror: %w", err)
	}
	if err := os.Rename(m.path, gone); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("drop mirror: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("drop mirror: %w", err)
	}
	m.packs.Store(&packs{})
	m.cut.Store(&boundary{})
	m.deep.Store(false)
	m.tips = nil
	m.damaged.Store(nil)
	return m.create()
}

func (m *mirror) has(h plumbing.Hash) bool { return m.packs.Load().has(h) }

// read returns an object's content, and marks the mirror if it is damaged.
func (m *mirror) read(h plumbing.Hash, want plumbing.ObjectType, limit int64) ([]byte, error) {
	content, err := m.packs.Load().read(h, want, limit)
	return content, m.examine(err)
}

func (m *mirror) size(h plumbing.Hash) (int64, error) {
	size, err := m.packs.Load().size(h)
	return size, m.examine(err)
}

func (m *mirror) examine(err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return err
	}
	m.damaged.CompareAndSwap(nil, d)
	return fmt.Errorf("%w: %w", ErrCorrupt, d)
}

// tree returns the tree of a commit that is in the mirror.
func (m *mirror) tree(sha plumbing.Hash) (*Tree, error) {
	if t, ok := m.trees.get(sha); ok {
		return t, nil
	}
	raw, err := m.read(sha, plumbing.CommitObject, maxCommit)
	if err != nil {
		return nil, err
	}
	root, err := commitTree(raw)
	if err != nil {
		return nil, err
	}
	return m.trees.put(sha, newTree(&commit{m, sha, root}, m.limits)), nil
}

// saveRefs writes the refs as a git would, which keeps a git that is run on the
// mirror from taking the objects for garbage.
func (m *mirror) saveRefs(l *listing) error {
	var lines []string
	for name, h := range l.refs {
		if plumbing.ReferenceName(name).Validate() == nil && m.has(h) {
			lines = append(lines, h.String()+" "+name+"\n")
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[41:], b[41:]) })
	return writeFile(filepath.Join(m.path, "packed-refs"), []byte("# pack-refs with: sorted \n"+strings.Join(lines, "")))
}

func (m *mirror) loadTips() (map[string]plumbing.Hash, error) {
	raw, err := os.ReadFile(filepath.Join(m.path, "packed-refs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	tips := map[string]plumbing.Hash{}
	for line := range strings.Lines(string(raw)) {
		if len(line) > 41 && plumbing.IsHash(line[:40]) {
			tips[strings.TrimSpace(line[41:])] = plumbing.NewHash(line[:40])
		}
	}
	return tips, err
}
