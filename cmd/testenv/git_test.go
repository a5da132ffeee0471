package testenv

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func startGit(t *testing.T, login *url.Userinfo) (*GitServer, *Repository) {
	t.Helper()
	s, err := StartGit(t.Context(), t.TempDir(), login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r, err := s.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestGitPushAndClone(t *testing.T) {
	s, r := startGit(t, nil)
	if err := r.WriteAll(map[string]string{"a/b.yaml": "one", "c.yaml": "two"}); err != nil {
		t.Fatal(err)
	}
	first, err := r.Push(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Edit("a/b.yaml", "one", "three"); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove("c.yaml"); err != nil {
		t.Fatal(err)
	}
	second, err := r.Push(t.Context(), "second")
	if err != nil || second == first || second != r.Head {
		t.Fatalf("pushed %s, then %s, %v", first, second, err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	if _, err := git(t.Context(), "", "clone", "--quiet", r.URL, clone); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(clone, "a/b.yaml"))
	if err != nil || string(content) != "three" {
		t.Errorf("a/b.yaml is %q, %v", content, err)
	}
	if _, err := os.Stat(filepath.Join(clone, "c.yaml")); !os.IsNotExist(err) {
		t.Errorf("c.yaml is still there: %v", err)
	}
	if a := s.Access(); a.Pushes != 2 || a.Listings != 1 || a.Fetches == 0 || a.Refused != 0 {
		t.Errorf("access %+v", a)
	}
}

func TestGitLogin(t *testing.T) {
	s, r := startGit(t, url.UserPassword("robot", "sesame"))
	if err := r.Write("a", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Push(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	before := s.Access().Refused
	if _, err := git(t.Context(), "", "ls-remote", r.URL); err == nil {
		t.Error("the repository can be read without a login")
	}
	if s.Access().Refused == before {
		t.Error("a refused access is not counted")
	}
	if strings.Contains(r.URL, "sesame") {
		t.Errorf("the URL has the password: %s", r.URL)
	}
}

func TestEditOfNothing(t *testing.T) {
	_, r := startGit(t, nil)
	if err := r.Write("a", []byte("text")); err != nil {
		t.Fatal(err)
	}
	if err := r.Edit("a", "absent", "x"); err == nil {
		t.Error("an edit that changes nothing is no error")
	}
}

func TestAnnounce(t *testing.T) {
	_, r := startGit(t, nil)
	var event, body string
	status := http.StatusOK
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text, _ := io.ReadAll(req.Body)
		event, body = req.Header.Get("X-GitHub-Event"), string(text)
		w.WriteHeader(status)
	}))
	defer hook.Close()
	if err := r.Announce(context.Background(), hook.URL); err != nil {
		t.Fatal(err)
	}
	if event != "push" || !strings.Contains(body, r.URL) || !strings.Contains(body, "refs/heads/main") {
		t.Errorf("announced %s: %s", event, body)
	}
	status = http.StatusForbidden
	if err := r.Announce(context.Background(), hook.URL); err == nil {
		t.Error("a refusal is no error")
	}
}
