package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// A gitWork commits some files of a work tree, and pushes that. It runs git, as
// the person at the keyboard would: with hooks, signatures and credentials.
type gitWork struct {
	dir    string   // of the first file
	files  []string // absolute
	branch string   // to be made; "" for the one that is checked out
	on     string   // the branch that is checked out; "" for none
}

// newGitWork finds out whether it can be done, before anything is changed. What is
// to be pushed needs a branch.
func newGitWork(ctx context.Context, changes []fileChange, branch string, push bool) (*gitWork, error) {
	w := &gitWork{}
	for _, c := range changes {
		file, err := filepath.EvalSymlinks(c.file)
		if err != nil {
			return nil, err
		}
		if file, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		w.files = append(w.files, file)
	}
	w.dir = filepath.Dir(w.files[0])
	if _, err := w.git(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); err != nil {
		return nil, fmt.Errorf("%s is in no Git work tree that has a commit: %w", w.dir, err)
	}
	dirty, err := w.git(ctx, append([]string{"status", "--porcelain", "--untracked-files=all", "--ignored", "--"}, w.files...)...)
	if err != nil {
		return nil, err
	}
	if dirty != "" {
		return nil, fmt.Errorf("a file has changes that are not committed: commit them, or leave out --commit\n%s", dirty)
	}
	if on, err := w.git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD"); err == nil {
		w.on = on
	}
	if branch != "" && branch != w.on {
		w.branch = branch
		return w, w.mayMake(ctx)
	}
	if push && w.on == "" {
		return nil, errors.New("no branch is checked out: name the one to push with --branch")
	}
	return w, nil
}

// mayMake says why the branch cannot be made.
func (w *gitWork) mayMake(ctx context.Context) error {
	if _, err := w.git(ctx, "check-ref-format", "--branch", w.branch); err != nil {
		return fmt.Errorf("--branch %s: %w", w.branch, err)
	}
	if _, err := w.git(ctx, "show-ref", "--verify", "--quiet", "refs/heads/"+w.branch); err == nil {
		return fmt.Errorf("branch %s is there already, and not checked out: git switch %[1]s, or give another --branch", w.branch)
	}
	return nil
}

// commit commits the files, and nothing else that is staged.
func (w *gitWork) commit(ctx context.Context, message string, talk io.Writer) error {
	if w.branch != "" {
		if _, err := w.git(ctx, "switch", "--quiet", "--no-track", "--create", w.branch); err != nil {
			return fmt.Errorf("make branch %s; the change is made, and not committed: %w", w.branch, err)
		}
		w.on = w.branch
	}
	args := append([]string{"commit", "--quiet", "--only", "--message", message, "--"}, w.files...)
	if _, err := w.git(ctx, args...); err != nil {
		return fmt.Errorf("commit; the change is made, and not committed: %w", err)
	}
	sha, err := w.git(ctx, "rev-parse", "--short", "HEAD")
	if err != nil {
		return err
	}
	fmt.Fprintf(talk, "committed %s to %s\n", sha, w.where())
	return nil
}

func (w *gitWork) where() string {
	if w.on == "" {
		return "no branch"
	}
	return w.on
}

// push pushes the branch, and only what a fast forward takes.
func (w *gitWork) push(ctx context.Context, remote string, talk io.Writer) error {
	if _, err := w.git(ctx, "push", "--quiet", remote, "HEAD:refs/heads/"+w.on); err != nil {
		return fmt.Errorf("push; it is committed to %s, and not pushed: %w", w.on, err)
	}
	fmt.Fprintf(talk, "pushed %s to %s\n", w.on, remote)
	return nil
}

// git runs git, and returns what it prints, or says.
func (w *gitWork) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--literal-pathspecs"}, args...)...)
	cmd.Dir = w.dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	text := strings.TrimRight(out.String(), "\n")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is not in the PATH: install it, or leave out --commit")
	case err != nil:
		if said := strings.TrimSpace(said.String()); said != "" {
			return text, fmt.Errorf("git %s: %s", args[0], said)
		}
		return text, fmt.Errorf("git %s: %w", args[0], err)
	}
	return text, nil
}
