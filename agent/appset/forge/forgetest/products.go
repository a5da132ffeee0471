package forgetest

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// An object is one of JSON.
type object map[string]any

// A shape is how GitHub, or Gitea, words what both have.
type shape struct {
	commit string // what a commit is called by
}

var (
	githubShape = shape{"sha"}
	giteaShape  = shape{"id"}
)

func (s shape) pulls(r *http.Request, repo Repository) (any, error) {
	heads, err := repo.Git.Heads(r.Context())
	all := []object{}
	for _, p := range repo.pulls {
		all = append(all, hubPull(p, heads))
	}
	return all, err
}

func hubPull(p Pull, heads map[string]string) object {
	return object{
		"number": p.Number, "title": p.Title, "state": "open", "user": object{"login": p.Author}, "labels": named(p.Labels),
		"head": object{"ref": p.Branch, "sha": heads[p.Branch]}, "base": object{"ref": p.Target, "sha": heads[p.Target]},
	}
}

func named(names []string) []object {
	all := []object{}
	for i, name := range names {
		all = append(all, object{"id": i + 1, "name": name})
	}
	return all
}

func (s shape) branches(r *http.Request, repo Repository) (any, error) {
	heads, err := repo.Git.Heads(r.Context())
	all := []object{}
	for _, name := range slices.Sorted(maps.Keys(heads)) {
		all = append(all, object{"name": name, "commit": object{s.commit: heads[name]}})
	}
	return all, err
}

func (s shape) branch(r *http.Request, repo Repository) (any, error) {
	return oneBranch(r, repo, s.commit)
}

func oneBranch(r *http.Request, repo Repository, commit string) (any, error) {
	heads, err := repo.Git.Heads(r.Context())
	sha, ok := heads[r.PathValue("branch")]
	if err != nil || !ok {
		return nil, err
	}
	return object{"name": r.PathValue("branch"), "commit": object{commit: sha}}, nil
}

func (s shape) contents(r *http.Request, repo Repository) (any, error) {
	there, err := has(r, repo, r.URL.Query().Get("ref"), r.PathValue("path"))
	if err != nil || !there {
		return nil, err
	}
	return object{"path": r.PathValue("path")}, nil
}

// labels are those of issues, which Gitea's generator takes for those of the repository.
func (s shape) labels(_ *http.Request, repo Repository) (any, error) { return named(repo.Topics), nil }

func (s shape) repositories(all []Repository) []object {
	list := []object{}
	for _, r := range all {
		list = append(list, object{
			"id": r.id, "name": r.Name, "full_name": r.Owner + "/" + r.Name, "owner": object{"login": r.Owner},
			"clone_url": r.CloneURL, "html_url": r.CloneURL, "ssh_url": "git@forge.example.com:" + r.Owner + "/" + r.Name + ".git",
			"default_branch": r.Default, "topics": r.Topics, "archived": false, "empty": false,
		})
	}
	return list
}

func gitlabProjects(all []Repository) []object {
	list := []object{}
	for _, r := range all {
		list = append(list, object{
			"id": r.id, "path": r.Name, "path_with_namespace": r.Owner + "/" + r.Name, "namespace": object{"full_path": r.Owner},
			"http_url_to_repo": r.CloneURL, "ssh_url_to_repo": "git@forge.example.com:" + r.Owner + "/" + r.Name + ".git",
			"default_branch": r.Default, "topics": r.Topics,
		})
	}
	return list
}

// gitlabMerges are those that have all the labels that are asked for.
func gitlabMerges(r *http.Request, repo Repository) (any, error) {
	heads, err := repo.Git.Heads(r.Context())
	var wanted []string
	if text := r.URL.Query().Get("labels"); text != "" {
		wanted = strings.Split(text, ",")
	}
	all := []object{}
	for _, p := range repo.pulls {
		if slices.ContainsFunc(wanted, func(label string) bool { return !slices.Contains(p.Labels, label) }) {
			continue
		}
		all = append(all, object{
			"iid": p.Number, "title": p.Title, "state": "opened", "source_branch": p.Branch, "target_branch": p.Target,
			"sha": heads[p.Branch], "labels": p.Labels, "author": object{"username": p.Author},
		})
	}
	return all, err
}

func gitlabBranches(r *http.Request, repo Repository) (any, error) {
	return giteaShape.branches(r, repo)
}

func gitlabBranch(r *http.Request, repo Repository) (any, error) { return oneBranch(r, repo, "id") }

func gitlabTree(r *http.Request, repo Repository) (any, error) {
	dir := r.URL.Query().Get("path")
	names, err := repo.Git.List(r.Context(), r.URL.Query().Get("ref"), dir)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	all := []object{}
	for _, name := range names {
		all = append(all, object{"name": name, "path": path.Join(dir, name)})
	}
	return all, nil
}
