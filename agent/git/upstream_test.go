package git

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// An upstream is a real repository that real git writes and serves.
type upstream struct {
	t    testing.TB
	base string // holds shop.git, bare, and a work tree

	authenticate func(channel ssh.Channel, path string) // git-lfs-authenticate, by ssh; nil if there is none
}

func newUpstream(t testing.TB) *upstream {
	u := &upstream{t: t, base: t.TempDir()}
	u.git(u.base, "init", "-q", "--bare", "-b", "main", "shop.git")
	u.git(u.base, "init", "-q", "-b", "main", "work")
	u.work("remote", "add", "origin", u.bare())
	u.git(u.bare(), "config", "receive.denyDeleteCurrent", "ignore")
	return u
}

func (u *upstream) bare() string { return filepath.Join(u.base, "shop.git") }
func (u *upstream) tree() string { return filepath.Join(u.base, "work") }

// git runs the real thing, without the configuration of this machine.
func (u *upstream) git(dir string, args ...string) string {
	u.t.Helper()
	return u.gitIn(dir, "", args...)
}

func (u *upstream) gitIn(dir, stdin string, args ...string) string {
	u.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		u.t.Fatalf("git %v: %v\n%s", args, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

func (u *upstream) work(args ...string) string {
	u.t.Helper()
	return u.git(u.tree(), args...)
}

// commit writes files, commits and pushes all there is; it returns the SHA.
func (u *upstream) commit(files map[string]string) string {
	u.t.Helper()
	write(u.t, u.tree(), files)
	u.work("add", "-A")
	u.work("commit", "-q", "--allow-empty", "-m", "change")
	u.push()
	return u.work("rev-parse", "HEAD")
}

func (u *upstream) push() {
	u.t.Helper()
	u.work("push", "-q", "-f", "--prune", "origin", "refs/heads/*", "refs/tags/*", "refs/pull/*")
}

// A webServer is an upstream behind smart HTTP. It counts requests.
type webServer struct {
	*httptest.Server
	lists, packs atomic.Int32
	before       atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // true: it has answered
}

func (u *upstream) serve(user, password string) *webServer {
	execPath := u.git(u.base, "--exec-path")
	backend := &cgi.Handler{
		Path:   filepath.Join(execPath, "git-http-backend"),
		Env:    []string{"GIT_PROJECT_ROOT=" + u.base, "GIT_HTTP_EXPORT_ALL=1"},
		Stderr: io.Discard,
	}
	s := &webServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/info/refs") {
			s.lists.Add(1)
		} else {
			s.packs.Add(1)
		}
		if before := s.before.Load(); before != nil && (*before)(w, r) {
			return
		}
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, fmt.Sprintf("no entry for %s", r.Header.Get("Authorization")), http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	u.t.Cleanup(s.Close)
	return s
}

func (s *webServer) url() string { return s.URL + "/shop.git" }

// counts returns and resets how often refs were listed and packs asked for.
func (s *webServer) counts() (lists, packs int32) { return s.lists.Swap(0), s.packs.Swap(0) }

func newStore(t testing.TB, options Options) *Store {
	t.Helper()
	return openStore(t, t.TempDir(), options)
}

func openStore(t testing.TB, root string, options Options) *Store {
	t.Helper()
	s, err := NewStore(root, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func resolve(t testing.TB, s *Store, repo Repo, revision string) string {
	t.Helper()
	sha, err := s.Resolve(t.Context(), repo, revision)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func tree(t testing.TB, s *Store, repo Repo, sha string) *Tree {
	t.Helper()
	tree, err := s.Tree(t.Context(), repo, sha)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// head is the tree of the newest commit of an upstream, by way of a store.
func (u *upstream) head(limits Limits) *Tree {
	u.t.Helper()
	s := newStore(u.t, Options{Limits: limits})
	repo := Repo{URL: u.bare()}
	return tree(u.t, s, repo, resolve(u.t, s, repo, ""))
}
