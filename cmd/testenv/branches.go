package testenv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// PushBranch makes a commit of files alone, on top of a branch, or of what was pushed last
// if there is none of that name, and pushes it. The work tree is not touched.
func (r *Repository) PushBranch(ctx context.Context, name string, files map[string]string) (commit string, err error) {
	heads, err := r.Heads(ctx)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(r.WorkTree), ".branch-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	parent := cmp.Or(heads[name], r.Head)
	for _, step := range [][]string{
		{"clone", "--quiet", "--no-checkout", r.bare, "."},
		{"checkout", "--quiet", "-B", name, parent},
		{"rm", "-r", "--quiet", "--ignore-unmatch", "."},
	} {
		if _, err := git(ctx, dir, step...); err != nil {
			return "", err
		}
	}
	side := &Repository{WorkTree: dir}
	if err := side.WriteAll(files); err != nil {
		return "", err
	}
	for _, step := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", "change " + name},
		{"push", "--quiet", "origin", name},
	} {
		if _, err := git(ctx, dir, step...); err != nil {
			return "", err
		}
	}
	heads, err = r.Heads(ctx)
	return heads[name], err
}

// RemoveBranch deletes a branch where it is served.
func (r *Repository) RemoveBranch(ctx context.Context, name string) error {
	_, err := git(ctx, r.WorkTree, "push", "--quiet", "origin", ":refs/heads/"+name)
	return err
}

// Heads returns the commits of the branches, as they are served.
func (r *Repository) Heads(ctx context.Context) (map[string]string, error) {
	out, err := git(ctx, r.bare, "for-each-ref", "--format", "%(refname:lstrip=2) %(objectname)", "refs/heads")
	if err != nil {
		return nil, err
	}
	heads := map[string]string{}
	for line := range strings.Lines(out) {
		name, commit, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			return nil, fmt.Errorf("git for-each-ref says %q", line)
		}
		heads[name] = commit
	}
	return heads, nil
}

// List names what is in a directory of a branch, as it is served; nothing if there is
// none.
func (r *Repository) List(ctx context.Context, branch, dir string) ([]string, error) {
	heads, err := r.Heads(ctx)
	if err != nil || heads[branch] == "" {
		return nil, err
	}
	args := []string{"ls-tree", "--name-only", "-z", heads[branch]}
	if dir != "" {
		args = append(args, "--", dir+"/")
	}
	out, err := git(ctx, r.bare, args...)
	var names []string
	for name := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		if name != "" {
			names = append(names, filepath.Base(name))
		}
	}
	return names, err
}
