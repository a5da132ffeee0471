package testenv

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// branch is the one that repositories have.
const branch = "main"

// A Repository is served by a [GitServer] and written through a work tree.
type Repository struct {
	URL string // without a login
	// WorkTree is a clone. Change files there as you like, then Push.
	WorkTree string
	// Head is the commit that was pushed last.
	Head string

	bare string // directory that is served
}

// Create makes a repository with no commit yet.
func (s *GitServer) Create(ctx context.Context, name string) (*Repository, error) {
	r := &Repository{
		URL:      s.URL + "/" + name + ".git",
		WorkTree: filepath.Join(s.dir, "work", name),
		bare:     filepath.Join(s.dir, name+".git"),
	}
	push, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	push.User = s.login
	for _, step := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch", branch, r.bare},
		{"-C", r.bare, "config", "http.receivepack", "true"},
		{"-C", r.bare, "config", "uploadpack.allowAnySHA1InWant", "true"}, // as GitHub does
		{"init", "--quiet", "--initial-branch", branch, r.WorkTree},
		{"-C", r.WorkTree, "remote", "add", "origin", push.String()},
		{"-C", r.WorkTree, "config", "gc.auto", "0"},
		{"-C", r.WorkTree, "config", "user.name", userName}, // for commits by hand
		{"-C", r.WorkTree, "config", "user.email", userMail},
		// net/http/cgi takes no chunked bodies, which git sends above this size.
		{"-C", r.WorkTree, "config", "http.postBuffer", "1000000000"},
	} {
		if _, err := git(ctx, "", step...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Write puts a file into the work tree. The path has slashes and is relative.
func (r *Repository) Write(path string, content []byte) error {
	file := filepath.Join(r.WorkTree, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// WriteAll puts files into the work tree, by path.
func (r *Repository) WriteAll(files map[string]string) error {
	for path, content := range files {
		if err := r.Write(path, []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// CopyFS puts all files of a tree into the work tree.
func (r *Repository) CopyFS(tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		return r.Write(path, content)
	})
}

// Edit replaces a text, which must occur, in a file.
func (r *Repository) Edit(path, old, new string) error {
	content, err := os.ReadFile(filepath.Join(r.WorkTree, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	if !bytes.Contains(content, []byte(old)) {
		return fmt.Errorf("%s does not contain %q", path, old)
	}
	return r.Write(path, bytes.ReplaceAll(content, []byte(old), []byte(new)))
}

// Remove takes files or directories out of the work tree.
func (r *Repository) Remove(paths ...string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(filepath.Join(r.WorkTree, filepath.FromSlash(path))))
	}
	return errors.Join(errs...)
}

// Push commits the work tree as it is and pushes the commit, whose id it
// returns.
func (r *Repository) Push(ctx context.Context, message string) (commit string, err error) {
	for _, step := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", message},
		{"push", "--quiet", "origin", branch},
	} {
		if _, err := git(ctx, r.WorkTree, step...); err != nil {
			return "", err
		}
	}
	head, err := git(ctx, r.WorkTree, "rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	r.Head = strings.TrimSpace(head)
	return r.Head, nil
}

// Configure sets what git is to do in the work tree, as git config does.
func (r *Repository) Configure(ctx context.Context, config map[string]string) error {
	for name, value := range config {
		if _, err := git(ctx, r.WorkTree, "config", name, value); err != nil {
			return err
		}
	}
	return nil
}

// Tag makes an annotated tag of what was pushed last, in place of an older one,
// and pushes it.
func (r *Repository) Tag(ctx context.Context, name string) error {
	for _, step := range [][]string{
		{"tag", "--force", "--annotate", "--message", "release", name},
		{"push", "--quiet", "--force", "origin", "refs/tags/" + name},
	} {
		if _, err := git(ctx, r.WorkTree, step...); err != nil {
			return err
		}
	}
	return nil
}

// WebhookSecret is what the agents of tests know webhooks by.
const WebhookSecret = "open-sesame-for-webhooks"

// SignWebhook returns the signature of a webhook's body, as GitHub has it.
func SignWebhook(body []byte) string {
	mac := hmac.New(sha256.New, []byte(WebhookSecret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Announce tells a webhook of the last push, as GitHub does.
func (r *Repository) Announce(ctx context.Context, webhook string) error {
	payload, err := json.Marshal(map[string]any{
		"ref":   "refs/heads/" + branch,
		"after": r.Head,
		"repository": map[string]any{
			"clone_url":      r.URL,
			"html_url":       strings.TrimSuffix(r.URL, ".git"),
			"default_branch": branch,
		},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Event", "push")
	request.Header.Set("X-Hub-Signature-256", SignWebhook(payload))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("webhook %s: %s: %s", webhook, response.Status, bytes.TrimSpace(text))
	}
	return nil
}
