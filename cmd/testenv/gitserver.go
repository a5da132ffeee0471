package testenv

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi" //nolint:gosec // what it warns of was mended in Go 1.6.3
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A GitServer serves bare repositories over smart HTTP, by git's own CGI
// program.
type GitServer struct {
	// URL is where the repositories are: URL + "/" + name + ".git".
	URL string

	dir     string
	login   *url.Userinfo // nil: anyone may read and write
	backend http.Handler
	server  http.Server
	group   errgroup.Group

	listings, fetches, pushes, refused atomic.Int64
}

// GitAccess counts what a server was asked for.
type GitAccess struct {
	Listings int64 // of branches and tags, before a fetch or alone
	Fetches  int64
	Pushes   int64
	Refused  int64 // for want of the right login
}

// StartGit serves repositories that lie in dir, on a free port. With a login
// every request needs it.
func StartGit(ctx context.Context, dir string, login *url.Userinfo) (*GitServer, error) {
	programs, err := git(ctx, "", "--exec-path")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &GitServer{URL: "http://" + listener.Addr().String(), dir: dir, login: login}
	s.backend = &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(programs), "git-http-backend"),
		Env:  append(gitEnv(), "GIT_PROJECT_ROOT="+dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=git"),
	}
	s.server.Handler = s
	s.group.Go(func() error { return s.server.Serve(listener) })
	return s, nil
}

// Close ends the server. Its repositories stay.
func (s *GitServer) Close() error {
	err := s.server.Close()
	if served := s.group.Wait(); !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Access returns the counts since the start.
func (s *GitServer) Access() GitAccess {
	return GitAccess{s.listings.Load(), s.fetches.Load(), s.pushes.Load(), s.refused.Load()}
}

// ServeHTTP implements [http.Handler].
func (s *GitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.mayEnter(r) {
		s.refused.Add(1)
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "a login is needed", http.StatusUnauthorized)
		return
	}
	switch {
	case r.URL.Query().Get("service") == "git-upload-pack":
		s.listings.Add(1)
	case strings.HasSuffix(r.URL.Path, "/git-upload-pack"):
		s.fetches.Add(1)
	case strings.HasSuffix(r.URL.Path, "/git-receive-pack"):
		s.pushes.Add(1)
	}
	s.backend.ServeHTTP(w, r)
}

func (s *GitServer) mayEnter(r *http.Request) bool {
	if s.login == nil {
		return true
	}
	user, password, _ := r.BasicAuth()
	want, _ := s.login.Password()
	return user == s.login.Username() && subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1
}

// git runs git in a directory and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// Who commits.
const (
	userName = "Demo"
	userMail = "demo@example.com"
)

// gitEnv keeps git away from the configuration of whoever runs this.
func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/nonexistent",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=" + userName, "GIT_AUTHOR_EMAIL=" + userMail,
		"GIT_COMMITTER_NAME=" + userName, "GIT_COMMITTER_EMAIL=" + userMail,
	}
}
