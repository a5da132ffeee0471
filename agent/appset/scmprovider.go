package appset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// repositories yields the branches of repositories that pass the filters: any of those
// that are about repositories, and any of those that are about branches. A filter with
// conditions of both kinds is about branches.
func (g *generation) repositories(ctx context.Context, s *api.SCMProviderGenerator, field string) ([]Params, error) {
	known, err := g.from.Repositories(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []Params
	for _, r := range known {
		pass, err := admitted(ctx, s.Filters, r)
		if err != nil {
			return nil, in(field+".filters", err)
		}
		if !pass {
			continue
		}
		params := repositoryParams(r)
		if err := g.addValues(ctx, params, s.Values, field); err != nil {
			return nil, err
		}
		all = append(all, params)
	}
	return all, nil
}

func admitted(ctx context.Context, filters []api.SCMFilter, r Repository) (bool, error) {
	for _, ofBranches := range []bool{false, true} {
		pass, err := admittedBy(ctx, filters, r, ofBranches)
		if err != nil || !pass {
			return false, err
		}
	}
	return true, nil
}

// MayPass says whether a repository passes the filters that are about repositories. Of
// one that does not the branches need not be asked for.
func MayPass(ctx context.Context, filters []api.SCMFilter, r Repository) (bool, error) {
	return admittedBy(ctx, filters, r, false)
}

// admittedBy asks the filters of one kind.
func admittedBy(ctx context.Context, filters []api.SCMFilter, r Repository, ofBranches bool) (bool, error) {
	asked, pass := false, false
	for i, f := range filters {
		aboutBranches := f.BranchMatch != nil || f.PathsExist != nil || f.PathsDoNotExist != nil
		aboutAny := aboutBranches || f.RepositoryMatch != nil || f.LabelMatch != nil
		if aboutBranches != ofBranches || !aboutAny {
			continue
		}
		ok, err := r.passes(ctx, f)
		if err != nil {
			return false, atIndex(i, err)
		}
		asked, pass = true, pass || ok
	}
	return pass || !asked, nil
}

func (r Repository) passes(ctx context.Context, f api.SCMFilter) (bool, error) {
	pass, err := matchAll([]match{
		{"repositoryMatch", f.RepositoryMatch, []string{r.Repository}},
		{"branchMatch", f.BranchMatch, []string{r.Branch}},
		{"labelMatch", f.LabelMatch, r.Labels},
	})
	if err != nil || !pass {
		return false, err
	}
	for _, path := range slices.Concat(f.PathsExist, f.PathsDoNotExist) {
		if r.HasPath == nil {
			return false, failf(ErrUnavailable, "whether %s has %s cannot be told", r.Repository, path)
		}
	}
	for _, want := range []bool{true, false} {
		paths := f.PathsExist
		if !want {
			paths = f.PathsDoNotExist
		}
		for _, path := range paths {
			has, err := r.HasPath(ctx, strings.TrimRight(path, "/"))
			if err != nil || has != want {
				return false, err
			}
		}
	}
	return true, nil
}

func repositoryParams(r Repository) Params {
	return Params{
		"organization": r.Organization, "repository": r.Repository, "repository_id": r.id(), "url": r.URL,
		"branch": r.Branch, "branchNormalized": normalize(r.Branch),
		"sha": r.SHA, "short_sha": short(r.SHA, 8), "short_sha_7": short(r.SHA, 7), "labels": strings.Join(r.Labels, ","),
	}
}

// id is a text: fasttemplate sees nothing else, and in a Go template it prints the same.
func (r Repository) id() string {
	if r.ID == nil {
		return ""
	}
	return fmt.Sprint(r.ID)
}
