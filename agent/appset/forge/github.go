package forge

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// perPage is the most that the servers list at once.
var perPage = url.Values{"per_page": {"100"}}

// inOrder is the order in which GitHub's things came to be, which is not the usual one.
var inOrder = url.Values{"per_page": {"100"}, "sort": {"created"}, "direction": {"asc"}}

// github connects as a token says, or as an App that the owner has installed.
func (a *Answers) github(ctx context.Context, address string, ref *api.SecretRef, app, owner string) (*server, error) {
	s, err := a.connect(ctx, place{product: "GitHub", address: address, standard: "https://api.github.com", suffix: githubSuffix})
	if err != nil {
		return nil, err
	}
	s.accept, s.header, s.scheme = "application/vnd.github+json", "Authorization", "Bearer "
	if app != "" {
		return s, a.appToken(ctx, s, app, owner)
	}
	return s, a.token(ctx, s, ref)
}

// githubSuffix is where the API of an Enterprise server is, if the address does not say
// it.
func githubSuffix(u *url.URL) string {
	if strings.HasSuffix(u.Path, "/api/v3") || strings.HasSuffix(u.Path, "/api/v3/") || strings.HasPrefix(u.Host, "api.") || strings.Contains(u.Host, ".api.") {
		return ""
	}
	return "/api/v3"
}

type githubUser struct{ Login string }

type named struct {
	ID   int64
	Name string
}

func (n named) key() int64 { return n.ID }

func namesOf(list []named) []string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.Name
	}
	return names
}

type githubPull struct {
	Number     int64
	Title      string
	User       githubUser
	Head, Base struct{ Ref, SHA string }
	Labels     []named
}

func (p githubPull) key() int64 { return p.Number }

func (a *Answers) githubPulls(ctx context.Context, g *api.PullRequestGithub) ([]appset.PullRequest, error) {
	s, err := a.github(ctx, g.API, g.TokenRef, g.AppSecretName, g.Owner)
	if err != nil {
		return nil, err
	}
	defer s.close()
	pulls, err := list[githubPull](ctx, s, "/repos/"+url.PathEscape(g.Owner)+"/"+url.PathEscape(g.Repo)+"/pulls", inOrder, githubPull.key)
	if err != nil {
		return nil, err
	}
	var all []appset.PullRequest
	for _, p := range pulls {
		labels := namesOf(p.Labels)
		if !hasAll(labels, g.Labels) {
			continue
		}
		all = append(all, appset.PullRequest{
			Number: p.Number, Title: p.Title, Author: p.User.Login,
			Branch: p.Head.Ref, TargetBranch: p.Base.Ref, HeadSHA: p.Head.SHA, Labels: labels,
		})
	}
	return all, nil
}

func hasAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(label string) bool { return !slices.Contains(have, label) })
}
