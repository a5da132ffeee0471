package forge

import (
	"context"
	"maps"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

func (a *Answers) gitlab(ctx context.Context, address string, ref *api.SecretRef, insecure bool, ca *api.ConfigMapRef) (*server, error) {
	s, err := a.connect(ctx, place{product: "GitLab", address: address, standard: "https://gitlab.com", suffix: below("/api/v4"), insecure: insecure, ca: ca})
	if err != nil {
		return nil, err
	}
	s.header = "PRIVATE-TOKEN"
	return s, a.token(ctx, s, ref)
}

// below is where an API is, if the address does not say it.
func below(suffix string) func(*url.URL) string {
	return func(u *url.URL) string {
		if strings.HasSuffix(strings.TrimRight(u.Path, "/"), suffix) {
			return ""
		}
		return suffix
	}
}

type gitlabPull struct {
	IID    int64
	Title  string
	Source string `json:"source_branch"`
	Target string `json:"target_branch"`
	SHA    string
	Labels []string
	Author struct{ Username string }
}

func (p gitlabPull) key() int64 { return p.IID }

func (a *Answers) gitlabPulls(ctx context.Context, g *api.PullRequestGitlab) ([]appset.PullRequest, error) {
	s, err := a.gitlab(ctx, g.API, g.TokenRef, g.Insecure, g.CARef)
	if err != nil {
		return nil, err
	}
	defer s.close()
	query := maps.Clone(perPage)
	query.Set("order_by", "created_at")
	query.Set("sort", "asc")
	if g.PullRequestState != "" {
		query.Set("state", g.PullRequestState)
	}
	if len(g.Labels) > 0 {
		query.Set("labels", strings.Join(g.Labels, ","))
	}
	pulls, err := list[gitlabPull](ctx, s, "/projects/"+url.PathEscape(g.Project)+"/merge_requests", query, gitlabPull.key)
	if err != nil {
		return nil, err
	}
	var all []appset.PullRequest
	for _, p := range pulls {
		all = append(all, appset.PullRequest{
			Number: p.IID, Title: p.Title, Author: p.Author.Username, Branch: p.Source, TargetBranch: p.Target, HeadSHA: p.SHA, Labels: p.Labels,
		})
	}
	return all, nil
}

// gitlabRepositories are those of a group.
type gitlabRepositories struct {
	*server
	of *api.SCMGitlab
}

func (a *Answers) gitlabProvider(ctx context.Context, g *api.SCMGitlab) (provider, error) {
	s, err := a.gitlab(ctx, g.API, g.TokenRef, g.Insecure, g.CARef)
	if err != nil {
		return nil, err
	}
	return &gitlabRepositories{s, g}, nil
}

func (p *gitlabRepositories) all() bool { return p.of.AllBranches }

type gitlabProject struct {
	ID        int64
	Path      string
	Namespace struct {
		FullPath string `json:"full_path"`
	}
	SSH     string `json:"ssh_url_to_repo"`
	HTTP    string `json:"http_url_to_repo"`
	Default string `json:"default_branch"`
	Topics  []string
	Tags    []string `json:"tag_list"` // what topics were before GitLab 14.5
}

func (p gitlabProject) key() int64 { return p.ID }

func (p *gitlabRepositories) repositories(ctx context.Context) ([]repository, error) {
	query := maps.Clone(perPage)
	query.Set("order_by", "id")
	query.Set("sort", "asc")
	query.Set("include_subgroups", strconv.FormatBool(p.of.IncludeSubgroups))
	query.Set("with_shared", strconv.FormatBool(p.of.IncludeSharedProjects == nil || *p.of.IncludeSharedProjects))
	if p.of.Topic != "" {
		query.Set("topic", p.of.Topic)
	}
	if !p.of.IncludeArchivedRepos {
		query.Set("archived", "false")
	}
	known, err := list[gitlabProject](ctx, p.server, "/groups/"+url.PathEscape(p.of.Group)+"/projects", query, gitlabProject.key)
	if err != nil {
		return nil, err
	}
	all := make([]repository, len(known))
	for i, r := range known {
		labels := r.Topics
		if len(labels) == 0 {
			labels = r.Tags
		}
		all[i] = repository{ssh: r.SSH, https: r.HTTP, Repository: appset.Repository{
			Organization: r.Namespace.FullPath, Repository: r.Path, ID: r.ID, Branch: r.Default, Labels: labels,
		}}
	}
	return all, nil
}

type gitlabBranch struct {
	Name   string
	Commit struct{ ID string }
}

func (b gitlabBranch) key() string { return b.Name }

func (p *gitlabRepositories) at(r repository) string {
	return "/projects/" + r.number() + "/repository"
}

// number is a repository's ID in an address.
func (r repository) number() string {
	id, _ := r.ID.(int64)
	return strconv.FormatInt(id, 10)
}

func (p *gitlabRepositories) branches(ctx context.Context, r repository) ([]branch, error) {
	known, err := list[gitlabBranch](ctx, p.server, p.at(r)+"/branches", perPage, gitlabBranch.key)
	if isNotFound(err) { // it has no repository
		return nil, nil
	}
	all := make([]branch, len(known))
	for i, b := range known {
		all[i] = branch{b.Name, b.Commit.ID}
	}
	return all, err
}

func (p *gitlabRepositories) branch(ctx context.Context, r repository) (*branch, error) {
	var b gitlabBranch
	_, err := p.get(ctx, p.at(r)+"/branches/"+url.PathEscape(r.Branch), nil, &b)
	return found(&branch{b.Name, b.Commit.ID}, err)
}

type gitlabEntry struct{ Path string }

func (e gitlabEntry) key() string { return e.Path }

// hasPath looks into the directory that the path is in: for files and directories
// there are different questions, and one that is not there is answered in two ways.
func (p *gitlabRepositories) hasPath(ctx context.Context, r repository, branch, file string) (bool, error) {
	query := maps.Clone(perPage)
	query.Set("ref", branch)
	if dir := path.Dir(file); dir != "." {
		query.Set("path", dir)
	}
	entries, err := list[gitlabEntry](ctx, p.server, p.at(r)+"/tree", query, gitlabEntry.key)
	if isNotFound(err) {
		return false, nil
	}
	for _, e := range entries {
		if e.Path == file {
			return true, nil
		}
	}
	return false, err
}
