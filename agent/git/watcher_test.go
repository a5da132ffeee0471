package git

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"
)

// start runs a watcher for the time of a test and returns what it reports.
func start(t *testing.T, s *Store, interval time.Duration) (*Watcher, <-chan Moved) {
	moves := make(chan Moved, 100)
	w := NewWatcher(s, interval, nil, func(m Moved) { moves <- m })
	w.doubtGap = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w, moves
}

func expect(t *testing.T, moves <-chan Moved, want Moved) {
	t.Helper()
	select {
	case got := <-moves:
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("nothing moved, want %v", want)
	}
}

func TestPolling(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	_, moves := start(t, s, 10*time.Millisecond)
	resolve(t, s, repo, "main")
	second := u.commit(map[string]string{"a": "2"})
	expect(t, moves, Moved{repo.URL, "main", first, second})
	u.work("branch", "-m", "main", "trunk")
	u.push()
	expect(t, moves, Moved{repo.URL, "main", second, ""})
	if _, err := s.Resolve(t.Context(), repo, "later"); !errors.Is(err, ErrRevision) {
		t.Errorf("got %v", err)
	}
	u.work("branch", "later")
	u.push()
	expect(t, moves, Moved{repo.URL, "later", "", second})
}

// Another pace counts at once, also for what was polled at the old one.
func TestPace(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	w, moves := start(t, s, time.Hour)
	resolve(t, s, repo, "main")
	second := u.commit(map[string]string{"a": "2"})
	w.Pace(10 * time.Millisecond)
	expect(t, moves, Moved{repo.URL, "main", first, second})
	w.Pace(0)
	if due := (&schedule{watcher: w}).next(time.Now()); time.Until(due) < 24*time.Hour {
		t.Errorf("a poll is due at %s", due)
	}
	third := u.commit(map[string]string{"a": "3"})
	w.Notify(repo.URL, "refs/heads/main", third, true)
	expect(t, moves, Moved{repo.URL, "main", second, third})
	w.Pace(10 * time.Millisecond)
	fourth := u.commit(map[string]string{"a": "4"})
	expect(t, moves, Moved{repo.URL, "main", third, fourth})
}

func TestNotify(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	resolve(t, s, repo, "main")
	resolve(t, s, repo, "") // two revisions, one listing
	w, moves := start(t, s, time.Hour)
	web.counts()
	second := u.commit(map[string]string{"a": "2"})
	w.Notify("https://other.example.com/shop.git", "refs/heads/main", second, true)
	w.Notify(web.URL+"/SHOP", "refs/heads/main", second, true)
	got := map[string]Moved{}
	for range 2 {
		m := <-moves
		got[m.Revision] = m
	}
	for _, revision := range []string{"", "main"} {
		if want := (Moved{repo.URL, revision, first, second}); got[revision] != want {
			t.Errorf("got %v, want %v", got[revision], want)
		}
	}
	if lists, packs := web.counts(); lists != 1 || packs != 0 {
		t.Errorf("%d listings and %d packs, want one listing", lists, packs)
	}
}

// GitHub may announce a push before it shows it.
// TestNotifyUnsigned: however many announcements come that nobody has signed, a
// repository is asked once in a while. One that is signed is not held up by them.
func TestNotifyUnsigned(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	asked := make(chan struct{}, 1000)
	s := newStore(t, Options{Asked: func(_, request string) func(error) {
		if request == requestList {
			asked <- struct{}{}
		}
		return func(error) {}
	}})
	repo := Repo{URL: web.url()}
	w, moves := start(t, s, time.Hour)
	resolve(t, s, repo, "main")
	second := u.commit(map[string]string{"a": "2"})
	for i := range 3 * maxAwaited {
		w.Notify(repo.URL, "refs/heads/main", second, false)
		w.Notify(repo.URL, fmt.Sprintf("refs/heads/forged-%d", i), second, false)
	}
	expect(t, moves, Moved{repo.URL, "main", first, second})
	third := u.commit(map[string]string{"a": "3"})
	for range 100 {
		w.Notify(repo.URL, "refs/heads/main", third, false)
	}
	w.Notify(repo.URL, "refs/heads/main", third, true)
	expect(t, moves, Moved{repo.URL, "main", second, third})
	// One is Resolve's, one the first unsigned announcement's, and the rest are for the
	// signed one, which may be asked for again if the first answer came too early.
	if n := len(asked); n < 3 || n > 3+len(retries) {
		t.Errorf("the repository was asked %d times", n)
	}
}

func TestNotifyTooEarly(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	resolve(t, s, repo, "main")
	w, moves := start(t, s, time.Hour)

	asked := make(chan struct{}, 100)
	note := func(http.ResponseWriter, *http.Request) bool { asked <- struct{}{}; return false }
	web.before.Store(&note)
	write(t, u.tree(), map[string]string{"a": "2"})
	u.work("commit", "-q", "-a", "-m", "change")
	second := u.work("rev-parse", "HEAD")
	w.Notify(repo.URL, "refs/heads/main", second, true)
	<-asked
	<-asked // again, without another word
	u.push()
	expect(t, moves, Moved{repo.URL, "main", first, second})
}

func TestWatcherForgets(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"a": "1"})
	s := newStore(t, Options{Idle: time.Minute})
	resolve(t, s, Repo{URL: u.bare()}, "main")
	if n := len(s.watched(time.Now())); n != 1 {
		t.Errorf("%d repositories are watched, want 1", n)
	}
	if n := len(s.watched(time.Now().Add(2 * time.Minute))); n != 0 || len(s.remotes) != 0 {
		t.Errorf("%d repositories are watched that nobody asks for, %d remembered", n, len(s.remotes))
	}
}

// The mirror of a repository that nobody asks for any more goes, from the disk too, and
// comes again for who asks. Trees that somebody has read on.
func TestMirrorForgotten(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	root, repo := t.TempDir(), Repo{URL: u.bare()}
	s := openStore(t, root, Options{Idle: time.Minute})
	tree, err := s.Tree(t.Context(), repo, first)
	if err != nil {
		t.Fatal(err)
	}
	s.watched(time.Now().Add(2 * time.Minute))
	if err := s.work.Wait(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 || len(s.mirrors) > 0 {
		t.Errorf("%d mirrors and %v are left, %v", len(s.mirrors), left, err)
	}
	for range 2 {
		if content, err := tree.ReadFile("a"); err != nil || string(content) != "1" {
			t.Errorf("got %q, %v", content, err)
		}
		if tree, err = s.Tree(t.Context(), repo, first); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnreachableRecovers(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return true
	}
	web.before.Store(&down)
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	_, moves := start(t, s, 10*time.Millisecond)
	if _, err := s.Resolve(t.Context(), repo, "main"); !errors.Is(err, ErrRepository) {
		t.Errorf("got %v", err)
	}
	web.before.Store(nil)
	expect(t, moves, Moved{repo.URL, "main", "", first})
	web.before.Store(&down)
	if _, err := s.Resolve(t.Context(), repo, "main"); !errors.Is(err, ErrRepository) {
		t.Errorf("got %v", err)
	}
	if a, ok := s.Known(repo, "main"); !ok || a.SHA != first || !errors.Is(a.Err, ErrRepository) {
		t.Errorf("known: %+v, %v", a, ok)
	}
}
