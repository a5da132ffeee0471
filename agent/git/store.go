package git

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// cachedLogins are those that keep tokens, per generation.
const cachedLogins = 1000

// Options set a store's limits. The zero value is good.
type Options struct {
	Limits       Limits        // of what a tree reads
	ListTimeout  time.Duration // for one ls-remote; default 30 s
	FetchTimeout time.Duration // for one fetch; default 5 min
	MaxRefs      int64         // bytes a server may send as its list of refs; default 64 MiB
	MaxPack      int64         // bytes a server may send as a pack; default 4 GiB
	MaxLFS       int64         // bytes of a mirror's files that Git LFS keeps, before old ones go; default 1 GiB
	MaxPacks     int           // packs in a mirror before some are merged; default 16
	Idle         time.Duration // how long a revision that nobody asks for is watched; default 1 h
	Log          *slog.Logger
	// Asked, if not nil, is told of each request to a server when it begins, "ls-remote"
	// or "fetch" to an address without a password; the function that it returns, when
	// it ends.
	Asked func(url, request string) (done func(error))
}

func (o Options) orDefault() Options {
	o.ListTimeout = cmp.Or(o.ListTimeout, 30*time.Second)
	o.FetchTimeout = cmp.Or(o.FetchTimeout, 5*time.Minute)
	o.MaxRefs = cmp.Or(o.MaxRefs, 64<<20)
	o.MaxPack = cmp.Or(o.MaxPack, 4<<30)
	o.MaxLFS = cmp.Or(o.MaxLFS, 1<<30)
	o.MaxPacks = cmp.Or(o.MaxPacks, 16)
	o.Idle = cmp.Or(o.Idle, time.Hour)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// A Store keeps the mirrors of all repositories below one directory, which may
// be deleted while no Store is open on it. It is safe for concurrent use.
type Store struct {
	root    string
	options Options
	key     []byte // of the fingerprints

	ctx     context.Context // of work that outlives the call that began it
	cancel  context.CancelFunc
	flights singleflight.Group
	work    errgroup.Group
	changed chan struct{} // has a token when there is a new interest
	tokens  *generations[string, *tokenLogin]

	mu        sync.Mutex
	mirrors   map[string]*mirror  // by normalised address; guarded by mu
	remotes   map[string]*remote  // by address and fingerprint; guarded by mu
	interests map[interest]*sight // guarded by mu
}

// NewStore opens the store in directory root, which is created if need be.
func NewStore(root string, options Options) (*Store, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("git mirrors: %w", err)
	}
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("git mirrors: %w", err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, fmt.Errorf("git mirrors: %w", err)
	}
	s := &Store{
		root: root, options: options.orDefault(), key: make([]byte, 32), changed: make(chan struct{}, 1),
		tokens:  newGenerations[string](cachedLogins, func(*tokenLogin) int { return 1 }),
		mirrors: map[string]*mirror{}, remotes: map[string]*remote{}, interests: map[interest]*sight{},
	}
	rand.Read(s.key)
	left, _ := filepath.Glob(filepath.Join(root, "*"+goneMirror+"*")) // the pattern is good
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return nil, fmt.Errorf("git mirrors: %w", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Close ends what is under way and waits for it.
func (s *Store) Close() error {
	s.cancel()
	return s.work.Wait()
}

// Resolve returns the full SHA of the commit that revision stands for now: "" or
// HEAD, branch, tag, refs/..., full or short SHA, or a version constraint over
// the tags (see Repo.TagPrefix). It costs one ls-remote, shared by those who ask meanwhile; none for
// a full SHA. The revision is watched from then on (see Watcher).
// Errors: ErrRepository, ErrAuth, ErrRevision.
func (s *Store) Resolve(ctx context.Context, repo Repo, revision string) (string, error) {
	r, err := s.remote(repo)
	if err != nil {
		return "", err
	}
	if fullSHA.MatchString(revision) {
		return strings.ToLower(revision), nil
	}
	l, err := s.list(ctx, r)
	if err != nil {
		s.watch(r, repo, revision, plumbing.ZeroHash)
		return "", err
	}
	sha, ok := l.resolve(repo, revision)
	if !ok && shortSHA.MatchString(revision) {
		return s.expand(ctx, r, l, revision)
	}
	s.watch(r, repo, revision, sha)
	if !ok {
		return "", l.unknown(repo, revision)
	}
	return sha.String(), nil
}

// An Answer is what a revision stood for when a server was last asked.
type Answer struct {
	SHA string
	At  time.Time // when the server was asked
	Err error     // the failure of a later attempt to ask, if there was one
}

// Known answers like Resolve, without asking the server, from the last time that
// anybody did with these credentials. It reports false if nobody did, or the
// revision did not resolve.
func (s *Store) Known(repo Repo, revision string) (Answer, bool) {
	r, err := s.remote(repo)
	if err != nil {
		return Answer{}, false
	}
	l := r.last.Load()
	if l == nil {
		return Answer{}, false
	}
	sha, ok := l.resolve(repo, revision)
	if !ok {
		return Answer{}, false
	}
	s.watch(r, repo, revision, sha)
	answer := Answer{SHA: sha.String(), At: l.at}
	if f := r.failed.Load(); f != nil {
		answer.Err = f.err
	}
	return answer, true
}

// Has says that Tree need not ask the server for a commit, given its full SHA.
func (s *Store) Has(repo Repo, sha string) bool {
	r, err := s.remote(repo)
	return err == nil && r.last.Load() != nil && r.mirror.has(plumbing.NewHash(sha)) && r.mirror.damaged.Load() == nil
}

// Tree returns the files of a commit, given its full SHA. The commit is fetched
// if the mirror lacks it; all who wait for one repository share one fetch, which
// goes on when some of them give up. Errors: as Resolve, and ErrCorrupt.
func (s *Store) Tree(ctx context.Context, repo Repo, sha string) (*Tree, error) {
	r, err := s.remote(repo)
	if err != nil {
		return nil, err
	}
	if !fullSHA.MatchString(sha) {
		return nil, &Error{URL: redact(r.repo.URL), Kind: ErrRevision, What: fmt.Sprintf("%q is not a full commit SHA", sha)}
	}
	// The mirror may hold what others may read: these credentials must be good too.
	if r.last.Load() == nil {
		if _, err := s.list(ctx, r); err != nil {
			return nil, err
		}
	}
	t, err := s.tree(ctx, r, plumbing.NewHash(sha))
	if err != nil {
		return nil, err
	}
	return s.reaching(t, r, repo), nil
}

func (s *Store) tree(ctx context.Context, r *remote, h plumbing.Hash) (*Tree, error) {
	if !r.mirror.has(h) || r.mirror.damaged.Load() != nil {
		if err := s.fetch(ctx, r, h); err != nil {
			return nil, err
		}
	}
	if !r.mirror.has(h) {
		return nil, r.missing(h)
	}
	t, err := r.mirror.tree(h)
	var other *wrongType
	switch {
	case errors.As(err, &other):
		return nil, &Error{URL: redact(r.repo.URL), Kind: ErrRevision, What: other.Error()}
	case errors.Is(err, ErrCorrupt):
		return nil, r.corrupt(err)
	}
	return t, err
}

// expand resolves a short SHA, which needs the history.
func (s *Store) expand(ctx context.Context, r *remote, l *listing, short string) (string, error) {
	h, err := r.mirror.expand(short)
	if !l.head.IsZero() && (errors.Is(err, plumbing.ErrObjectNotFound) || len(*r.mirror.cut.Load()) > 0 && !r.mirror.deep.Load()) {
		if err := s.history(ctx, r, plumbing.ZeroHash); err != nil {
			return "", err
		}
		h, err = r.mirror.expand(short)
	}
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return "", l.unknown(r.repo, short)
	case err != nil:
		return "", &Error{URL: redact(r.repo.URL), Kind: ErrRevision, What: err.Error(), Hint: "give more digits"}
	}
	return h.String(), nil
}

// history completes the mirror, once for all who need it.
func (s *Store) history(ctx context.Context, r *remote, behind plumbing.Hash) error {
	_, err := s.share(ctx, "history "+r.key+" "+behind.String(), s.options.FetchTimeout, func(ctx context.Context) (any, error) {
		return s.told(ctx, r, requestFetch, func(ctx context.Context) (any, error) { return nil, r.history(ctx, behind) })
	})
	return r.classify(err)
}

// list shares one ls-remote among those who ask at the same time. An answer to a
// question older than the caller's is not good enough: a push may lie between.
func (s *Store) list(ctx context.Context, r *remote) (*listing, error) {
	asked := time.Now()
	for {
		v, err := s.share(ctx, "list "+r.key, s.options.ListTimeout, func(ctx context.Context) (any, error) {
			return s.told(ctx, r, requestList, func(ctx context.Context) (any, error) { return r.list(ctx) })
		})
		if err != nil {
			return nil, r.classify(err)
		}
		if l := v.(*listing); !l.at.Before(asked) {
			return l, nil
		}
	}
}

func (s *Store) fetch(ctx context.Context, r *remote, want plumbing.Hash) error {
	_, err := s.share(ctx, "fetch "+r.key+" "+want.String(), s.options.FetchTimeout, func(ctx context.Context) (any, error) {
		return s.told(ctx, r, requestFetch, func(ctx context.Context) (any, error) { return nil, r.fetch(ctx, want) })
	})
	if err == nil && len(*r.mirror.packs.Load()) > s.options.MaxPacks {
		s.tidy(r.mirror)
	}
	return r.classify(err)
}

// tidy merges packs while others go on reading.
func (s *Store) tidy(m *mirror) {
	s.work.Go(func() error {
		err := m.repack(s.ctx, s.options.MaxPacks)
		if err != nil && s.ctx.Err() == nil {
			m.log.Warn("git mirror not repacked", "mirror", m.path, "error", err)
		}
		return nil
	})
}

// share runs work once for all callers with this key. It has a deadline of its
// own and does not end with the caller that happened to begin it.
func (s *Store) share(ctx context.Context, key string, timeout time.Duration, work func(context.Context) (any, error)) (any, error) {
	done := s.flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(s.ctx, timeout)
		defer cancel()
		return work(ctx)
	})
	select {
	case result := <-done:
		return result.Val, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// remote returns what is known of a repository with these credentials.
func (s *Store) remote(repo Repo) (*remote, error) {
	repo, err := repo.normal()
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(repo.URL, " ", repo.Depth, " ", repo.Credentials.fingerprint(s.key))
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.remotes[key]; ok {
		r.used.Store(time.Now().UnixNano())
		return r, nil
	}
	r := &remote{key: key, repo: repo, limits: serverLimits{s.options.MaxRefs, s.options.MaxPack}}
	if err := r.connect(s); err != nil {
		return nil, err
	}
	if r.mirror, err = s.mirror(repo.URL); err != nil {
		return nil, err
	}
	r.used.Store(time.Now().UnixNano())
	s.remotes[key] = r
	return r, nil
}

// mirror needs s.mu.
func (s *Store) mirror(url string) (*mirror, error) {
	name := Normalize(url)
	if m, ok := s.mirrors[name]; ok {
		return m, nil
	}
	sum := sha256.Sum256([]byte(name))
	m, err := openMirror(filepath.Join(s.root, hex.EncodeToString(sum[:16])), s.options.Limits, s.options.Log)
	if err != nil {
		return nil, fmt.Errorf("git mirror of %s: %w", redact(url), err)
	}
	s.mirrors[name] = m
	return m, nil
}
