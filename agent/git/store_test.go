package git

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/errgroup"
)

func TestResolve(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	u.work("tag", "v1.2.0")
	u.work("tag", "-a", "-m", "x", "v1.10.0")
	u.work("tag", "-a", "-m", "x", "nested", "v1.10.0")
	second := u.commit(map[string]string{"a": "2"})
	u.work("tag", "v2.0.0-rc1")
	u.work("branch", "feature/x", first)
	u.work("branch", "v1.2.0", second) // as the tag is called
	u.work("update-ref", "refs/pull/7/head", first)
	u.push()
	web := u.serve("", "")

	for _, tt := range []struct{ revision, want string }{
		{"", second},
		{"HEAD", second},
		{"main", second},
		{"feature/x", first},
		{"refs/heads/feature/x", first},
		{"heads/feature/x", first},
		{"refs/tags/v1.10.0", first},
		{"v1.10.0", first},
		{"nested", first},
		{"v1.2.0", second},
		{"tags/v1.2.0", first},
		{"refs/pull/7/head", first},
		{"v1.*", first},
		{">=1.0.0 <2", first},
		{">=2.0.0-0", second},
		{first, first},
		{strings.ToUpper(first), first},
		{first[:7], first},
		{second[:12], second},
	} {
		for kind, url := range map[string]string{"http": web.url(), "path": u.bare(), "file": "file://" + u.tree()} {
			t.Run(kind+"/"+tt.revision, func(t *testing.T) {
				s := newStore(t, Options{})
				if got := resolve(t, s, Repo{URL: url}, tt.revision); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if got := tree(t, s, Repo{URL: url}, tt.want).Revision(); got != tt.want {
					t.Errorf("tree of %s, want %s", got, tt.want)
				}
			})
		}
	}
}

// A listing is one request, a new commit two at most, an old one none.
func TestRequests(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	expect := func(what string, lists, packs int32) {
		t.Helper()
		if l, p := web.counts(); l != lists || p != packs {
			t.Errorf("%s: %d listings and %d packs, want %d and %d", what, l, p, lists, packs)
		}
	}
	resolve(t, s, repo, "main")
	expect("resolve", 1, 0)
	tree(t, s, repo, first)
	expect("tree", 0, 1)
	resolve(t, s, repo, "main")
	tree(t, s, repo, first)
	expect("nothing new", 1, 0)
	if a, ok := s.Known(repo, "main"); !ok || a.SHA != first {
		t.Errorf("known: %v, %v", a, ok)
	}
	expect("known", 0, 0)
	second := u.commit(map[string]string{"a": "2"})
	if got := resolve(t, s, repo, "main"); got != second {
		t.Errorf("got %s, want %s", got, second)
	}
	tree(t, s, repo, second)
	expect("one commit", 1, 1)
	resolve(t, s, repo, first)
	tree(t, s, repo, first)
	expect("by SHA", 0, 0)
}

func TestOneFetchForAll(t *testing.T) {
	u := newUpstream(t)
	sha := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	resolve(t, s, repo, "main")
	web.counts()

	inside, release := make(chan struct{}), make(chan struct{})
	hold := func(http.ResponseWriter, *http.Request) bool { inside <- struct{}{}; <-release; return false }
	web.before.Store(&hold)
	var g errgroup.Group
	quitter, quit := context.WithCancel(t.Context())
	g.Go(func() error {
		if _, err := s.Tree(quitter, repo, sha); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("who gave up got %w", err)
		}
		return nil
	})
	<-inside // the one who began is waiting for the server
	for range 100 {
		g.Go(func() error {
			got, err := s.Tree(t.Context(), repo, sha)
			if err == nil {
				_, err = got.ReadFile("a")
			}
			return err
		})
	}
	quit()
	close(release)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if lists, packs := web.counts(); lists != 0 || packs != 1 {
		t.Errorf("%d listings and %d packs for 100 trees, want 0 and 1", lists, packs)
	}
}

func TestForcePushAndDelete(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	u.work("branch", "gone")
	second := u.commit(map[string]string{"a": "2"})
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	tree(t, s, repo, resolve(t, s, repo, "main"))
	tree(t, s, repo, resolve(t, s, repo, "gone"))

	u.work("reset", "-q", "--hard", first)
	u.work("branch", "-D", "gone")
	third := u.commit(map[string]string{"a": "3"})
	if got := resolve(t, s, repo, "main"); got != third {
		t.Errorf("got %s, want %s", got, third)
	}
	if got := content(t, tree(t, s, repo, third), "a"); got != "3" {
		t.Errorf("got %q", got)
	}
	if _, err := s.Resolve(t.Context(), repo, "gone"); !errors.Is(err, ErrRevision) {
		t.Errorf("deleted branch: %v", err)
	}
	if _, ok := s.Known(repo, "gone"); ok {
		t.Error("the deleted branch is still known")
	}
	if got := content(t, tree(t, s, repo, second), "a"); got != "2" {
		t.Errorf("a commit that was left behind reads %q", got)
	}
}

// A commit that no ref leads to can be had if the server gives it out.
func TestCommitWithoutRef(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	lost := u.commit(map[string]string{"a": "2"})
	u.work("reset", "-q", "--hard", first)
	u.commit(map[string]string{"a": "3"})
	web := u.serve("", "")
	repo := Repo{URL: web.url()}
	s := newStore(t, Options{})
	_, err := s.Tree(t.Context(), repo, lost)
	if !errors.Is(err, ErrRevision) || !strings.Contains(err.Error(), lost) {
		t.Errorf("got %v", err)
	}
	u.git(u.bare(), "config", "uploadpack.allowAnySHA1InWant", "true")
	s = newStore(t, Options{})
	if got := content(t, tree(t, s, repo, lost), "a"); got != "2" {
		t.Errorf("got %q", got)
	}
	if _, err := s.Tree(t.Context(), repo, strings.Repeat("ab", 20)); !errors.Is(err, ErrRevision) {
		t.Errorf("no such commit: %v", err)
	}
}

func TestRestart(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	repo := Repo{URL: web.url()}
	root := t.TempDir()
	tree(t, openStore(t, root, Options{}), repo, first)
	web.counts()
	s := openStore(t, root, Options{})
	if got := content(t, tree(t, s, repo, first), "a"); got != "1" {
		t.Errorf("got %q", got)
	}
	if lists, packs := web.counts(); lists != 1 || packs != 0 {
		t.Errorf("after a restart: %d listings and %d packs, want 1 (are we allowed in?) and 0", lists, packs)
	}
	// The new commit comes alone: the mirror still knows what it has.
	second := u.commit(map[string]string{"a": "2"})
	tree(t, s, repo, second)
	packs := *onlyMirror(t, s).packs.Load()
	if n := packs[len(packs)-1].count; n != 3 {
		t.Errorf("the second pack has %d objects, want commit, tree and blob", n)
	}
	u.git(onlyMirror(t, s).path, "fsck", "--strict", "--full")
}

// Whatever is broken in a mirror, it works again after one error at most.
func TestDamagedMirror(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, pack string)
		reopen bool
	}{
		{"flipped byte", flip, false},
		{"flipped byte, found after a restart", flip, true},
		{"cut short", func(t *testing.T, pack string) { must(t, os.Truncate(pack, 100)) }, true},
		{"no index", func(t *testing.T, pack string) { must(t, os.Remove(strings.TrimSuffix(pack, "pack")+"idx")) }, true},
		{"index of zeros", func(t *testing.T, pack string) {
			must(t, os.WriteFile(strings.TrimSuffix(pack, "pack")+"idx", make([]byte, 2000), 0o600))
		}, true},
		{"no pack", func(t *testing.T, pack string) { must(t, os.Remove(pack)) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			text := strings.Repeat("0123456789abcdef", 64)
			sha := u.commit(map[string]string{"a": text})
			repo := Repo{URL: u.bare()}
			root := t.TempDir()
			s := openStore(t, root, Options{})
			tree(t, s, repo, sha)
			files, _ := filepath.Glob(filepath.Join(onlyMirror(t, s).packDir(), "*.pack"))
			tt.damage(t, files[0])
			if tt.reopen {
				s = openStore(t, root, Options{})
			}
			var got []byte
			var err error
			for range 2 {
				var damaged *Tree
				if damaged, err = s.Tree(t.Context(), repo, sha); err != nil {
					continue
				}
				if got, err = damaged.ReadFile("a"); err == nil {
					break
				}
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("got %v", err)
				}
			}
			if err != nil || string(got) != text {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Somebody may empty the cache while it is in use.
func TestMirrorRemoved(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	root := t.TempDir()
	s := openStore(t, root, Options{})
	repo := Repo{URL: u.bare()}
	old := tree(t, s, repo, first)
	must(t, os.RemoveAll(onlyMirror(t, s).path))
	second := u.commit(map[string]string{"b": "2"})
	if got := content(t, tree(t, s, repo, second), "b") + content(t, old, "a"); got != "21" {
		t.Errorf("got %q", got)
	}
	s = openStore(t, root, Options{})
	if got := content(t, tree(t, s, repo, second), "a") + content(t, tree(t, s, repo, first), "a"); got != "11" {
		t.Errorf("after a restart: got %q", got)
	}
}

// flip changes every byte of the objects, not of header and trailer.
func flip(t *testing.T, pack string) {
	raw, err := os.ReadFile(pack)
	must(t, err)
	for i := 20; i < len(raw)-20; i++ {
		raw[i] ^= 0x5a
	}
	must(t, os.Chmod(pack, 0o600))
	must(t, os.WriteFile(pack, raw, 0o600))
}

// Looking up gets no slower: packs are merged, and readers notice nothing.
func TestRepack(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("", "")
	repo := Repo{URL: web.url()}
	s := newStore(t, Options{MaxPacks: 4})
	var shas []string
	for i := range 14 {
		shas = append(shas, u.commit(map[string]string{"a": fmt.Sprint(i), fmt.Sprint("dir/", i): "x"}))
		tree(t, s, repo, shas[i])
	}
	must(t, s.work.Wait())
	m := onlyMirror(t, s)
	if n := len(*m.packs.Load()); n > 5 {
		t.Errorf("%d packs after 14 fetches", n)
	}
	if files, _ := filepath.Glob(filepath.Join(m.packDir(), "*")); len(files) != 2*len(*m.packs.Load()) {
		t.Errorf("leftovers: %v", files)
	}
	for i, sha := range shas {
		if got := content(t, tree(t, s, repo, sha), "a"); got != fmt.Sprint(i) {
			t.Errorf("commit %d reads %q", i, got)
		}
	}
	u.git(m.path, "fsck", "--strict", "--full")
}

func TestErrors(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"a": "1"})
	u.work("branch", "feature/login")
	u.push()
	web := u.serve("bob", "hunter22")
	bob := Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}
	empty := newUpstream(t)
	for _, tt := range []struct {
		name, url, revision string
		credentials         Credentials
		kind                error
		says                []string
	}{
		{"no credentials", web.url(), "", Credentials{}, ErrAuth, []string{"asks for credentials", "add or correct"}},
		{"wrong password", web.url(), "", Credentials{Username: "bob", Password: secrets.New([]byte("hunter23"))}, ErrAuth, []string{"does not accept"}},
		{"wrong password in the address", strings.Replace(web.url(), "://", "://bob:hunter23@", 1), "", Credentials{}, ErrAuth, nil},
		{"no such repository", web.URL + "/other.git", "", bob, ErrRepository, []string{"no such repository"}},
		{"nobody there", "http://127.0.0.1:1/shop.git", "", bob, ErrRepository, []string{"refused"}},
		{"no such path", "/nowhere/shop.git", "", bob, ErrRepository, []string{"no such repository"}},
		{"scheme", "ftp://example.com/shop.git", "", bob, ErrRepository, []string{"scheme", "https://"}},
		{"empty address", "", "", bob, ErrRepository, []string{"empty"}},
		{"mistyped branch", web.url(), "mian", bob, ErrRevision, []string{`"mian"`, "did you mean main?"}},
		{"part of a branch", web.url(), "login", bob, ErrRevision, []string{"did you mean feature/login?"}},
		{"unknown branch", web.url(), "production", bob, ErrRevision, []string{"it has feature/login, main"}},
		{"no tag in range", web.url(), ">=3.0", bob, ErrRevision, []string{">=3.0"}},
		{"short SHA of nothing", web.url(), "abcdef1", bob, ErrRevision, []string{"abcdef1"}},
		{"empty repository", empty.bare(), "main", bob, ErrRevision, []string{"empty", "push"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, Options{})
			_, err := s.Resolve(t.Context(), Repo{URL: tt.url, Credentials: tt.credentials}, tt.revision)
			if !errors.Is(err, tt.kind) {
				t.Fatalf("got %v, want %v", err, tt.kind)
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyM") {
				t.Errorf("%q shows the password", err)
			}
		})
	}
	s := newStore(t, Options{})
	for _, url := range []string{web.url(), strings.Replace(web.url(), "://", "://bob:hunter22@", 1)} {
		if _, err := s.Resolve(t.Context(), Repo{URL: url, Credentials: bob}, "main"); err != nil {
			t.Errorf("right password: %v", err)
		}
	}
}

// Who has other credentials does not profit from a mirror that others filled.
func TestMirrorIsNoBackDoor(t *testing.T) {
	u := newUpstream(t)
	sha := u.commit(map[string]string{"a": "1"})
	web := u.serve("bob", "hunter22")
	root := t.TempDir()
	s := openStore(t, root, Options{})
	repo := Repo{URL: web.url(), Credentials: Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}}
	tree(t, s, repo, resolve(t, s, repo, "main"))
	stranger := Repo{URL: web.url()}
	if _, ok := s.Known(stranger, "main"); ok {
		t.Error("a stranger knows what the branch stands for")
	}
	if _, err := s.Tree(t.Context(), stranger, sha); !errors.Is(err, ErrAuth) {
		t.Errorf("a stranger reads the tree: %v", err)
	}
	for _, url := range []string{onlyMirror(t, s).path, "file://" + onlyMirror(t, s).path} {
		if _, err := s.Resolve(t.Context(), Repo{URL: url}, "main"); !errors.Is(err, ErrAuth) {
			t.Errorf("a stranger reads the mirror as a repository: %v", err)
		}
	}
}

func TestHostileServer(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"a": "1"})
	secret := Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}
	elsewhere := u.serve("", "")
	leak := func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("%s got a request with %v", r.Host, r.Header)
		return false
	}
	elsewhere.before.Store(&leak)
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		kind   error
		says   string
	}{
		{"redirect to another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+r.URL.Path+"?"+r.URL.RawQuery, http.StatusFound)
		}, ErrRepository, "redirected to another host (localhost)"},
		{"endless list", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
			capabilities := "\x00agent=git/2"
			for i := 0; ; i++ {
				line := fmt.Sprintf("%040x refs/heads/branch-%d%s\n", i+1, i, capabilities)
				capabilities = ""
				if _, err := fmt.Fprintf(w, "%04x%s", len(line)+4, line); err != nil {
					return
				}
			}
		}, ErrTooLarge, "more than 100000 bytes"},
		{"rubbish", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>\x1b[31mhello") }, ErrRepository, ""},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrRepository, "no answer in time"},
		{"500", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "hunter22", http.StatusInternalServerError)
		}, ErrRepository, "status 500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			web := u.serve("", "")
			answer := func(w http.ResponseWriter, r *http.Request) bool { tt.answer(w, r); return true }
			web.before.Store(&answer)
			s := newStore(t, Options{MaxRefs: 100_000, ListTimeout: 300 * time.Millisecond})
			_, err := s.Resolve(t.Context(), Repo{URL: web.url(), Credentials: secret}, "main")
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("got %q, want %v with %q", err, tt.kind, tt.says)
			}
		})
	}
	t.Run("pack too large", func(t *testing.T) {
		s := newStore(t, Options{MaxPack: 100})
		repo := Repo{URL: u.bare()}
		_, err := s.Tree(t.Context(), repo, resolve(t, s, repo, "main"))
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		if files, _ := filepath.Glob(filepath.Join(onlyMirror(t, s).packDir(), "*")); len(files) != 0 {
			t.Errorf("leftovers: %v", files)
		}
	})
}

func onlyMirror(t *testing.T, s *Store) *mirror {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mirrors) != 1 {
		t.Fatalf("%d mirrors", len(s.mirrors))
	}
	for _, m := range s.mirrors {
		return m
	}
	return nil
}

func content(t testing.TB, tree *Tree, name string) string {
	t.Helper()
	raw, err := tree.ReadFile(name)
	must(t, err)
	return string(raw)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// 1.2 tagPrefix: a constraint sees what follows the prefix, and no other tags.
func TestTagPrefix(t *testing.T) {
	u := newUpstream(t)
	web, api, plain := u.commit(map[string]string{"a": "1"}), u.commit(map[string]string{"a": "2"}), u.commit(map[string]string{"a": "3"})
	u.work("tag", "web-1.2.0", web)
	u.work("tag", "-a", "-m", "x", "api/v1.9.0", api)
	u.work("tag", "1.10.0", plain)
	u.work("branch", "2.x", plain)
	u.push()
	s := newStore(t, Options{})
	for _, tt := range []struct{ prefix, revision, want string }{
		{"", "1.*", plain},
		{"web-", "1.*", web},
		{"web-", "1.2.0", web},
		{"api/", ">=1.0 <2", api},
		{"api/", "2.x", ""},
		{"web-", "1.10.0", ""},
		{"none-", "1.*", ""},
		{"web-", "main", plain},
		{"web-", "", plain},
		{"web-", "api/v1.9.0", api},
		{"web-", api, api},
	} {
		repo := Repo{URL: u.bare(), TagPrefix: tt.prefix}
		sha, err := s.Resolve(t.Context(), repo, tt.revision)
		if sha != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q of %q: got %q, %v, want %q", tt.revision, tt.prefix, sha, err, tt.want)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("begins with %q", tt.prefix)) {
			t.Errorf("%q of %q: %v", tt.revision, tt.prefix, err)
		}
		if known, ok := s.Known(repo, tt.revision); !fullSHA.MatchString(tt.revision) && (ok != (tt.want != "") || known.SHA != tt.want) {
			t.Errorf("%q of %q: known %v, %v", tt.revision, tt.prefix, known, ok)
		}
	}
}
