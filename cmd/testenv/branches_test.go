package testenv

import (
	"slices"
	"testing"
)

// TestBranches: a branch is pushed, goes on and is removed, and what the work tree is at
// is not touched by it.
func TestBranches(t *testing.T) {
	server, err := StartGit(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r, err := server.Create(t.Context(), "acme/shop")
	if err != nil {
		t.Fatal(err)
	}
	push := func(content string) string {
		t.Helper()
		if err := r.Write("deploy/all.yaml", []byte(content)); err != nil {
			t.Fatal(err)
		}
		commit, err := r.Push(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		return commit
	}
	branch := func(files map[string]string) string {
		t.Helper()
		commit, err := r.PushBranch(t.Context(), "feature/a", files)
		if err != nil {
			t.Fatal(err)
		}
		return commit
	}
	listed := func(branch, dir string, want ...string) {
		t.Helper()
		if names, err := r.List(t.Context(), branch, dir); err != nil || !slices.Equal(names, want) {
			t.Errorf("%s of %s has %v, %v; want %v", dir, branch, names, err, want)
		}
	}
	first := push("1")
	branch(map[string]string{"deploy/a.yaml": "a", "deploy/b.yaml": "b"})
	listed("feature/a", "deploy", "a.yaml", "b.yaml")
	second := push("2")
	last := branch(map[string]string{"other": "a"})
	listed("feature/a", "", "other")
	listed("feature/a", "deploy")
	listed("main", "deploy", "all.yaml")
	heads, err := r.Heads(t.Context())
	if err != nil || len(heads) != 2 || heads["main"] != second || heads["feature/a"] != last || first == second {
		t.Errorf("heads %v, %v", heads, err)
	}
	if out, err := git(t.Context(), r.WorkTree, "status", "--porcelain"); err != nil || out != "" {
		t.Errorf("the work tree has changed: %s %v", out, err)
	}
	if err := r.RemoveBranch(t.Context(), "feature/a"); err != nil {
		t.Fatal(err)
	}
	listed("feature/a", "")
}
