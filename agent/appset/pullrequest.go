package appset

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidelock-io/tidelock/agent/api"
)

// pullRequests yields the open pull requests that pass any of the filters.
func (g *generation) pullRequests(ctx context.Context, p *api.PullRequestGenerator, field string) ([]Params, error) {
	known, err := g.from.PullRequests(ctx, p)
	if err != nil {
		return nil, err
	}
	var all []Params
	for _, pr := range known {
		pass, err := passes(p.Filters, pr)
		if err != nil {
			return nil, in(field+".filters", err)
		}
		if !pass {
			continue
		}
		params := g.pullRequestParams(pr)
		if err := g.addValues(ctx, params, p.Values, field); err != nil {
			return nil, err
		}
		all = append(all, params)
	}
	return all, nil
}

func passes(filters []api.PullRequestFilter, pr PullRequest) (bool, error) {
	for i, f := range filters {
		pass, err := matchAll([]match{
			{"branchMatch", f.BranchMatch, []string{pr.Branch}},
			{"targetBranchMatch", f.TargetBranchMatch, []string{pr.TargetBranch}},
			{"titleMatch", f.TitleMatch, []string{pr.Title}},
		})
		if err != nil || pass {
			return pass, atIndex(i, err)
		}
	}
	return len(filters) == 0, nil
}

func atIndex(i int, err error) error {
	if err == nil {
		return nil
	}
	return failf(ErrGenerator, "[%d].%w", i, err)
}

// A match is a condition of a filter, which holds for one of some texts; no expression
// is none.
type match struct {
	name       string
	expression *string
	texts      []string
}

// matchAll says whether all conditions hold.
func matchAll(conditions []match) (bool, error) {
	all := true
	for _, m := range conditions {
		if m.expression == nil {
			continue
		}
		re, err := regexp.Compile(*m.expression)
		if err != nil {
			return false, fmt.Errorf("%s: %w", m.name, err)
		}
		all = all && slices.ContainsFunc(m.texts, re.MatchString)
	}
	return all, nil
}

func (g *generation) pullRequestParams(pr PullRequest) Params {
	params := Params{
		"number": strconv.FormatInt(pr.Number, 10), "title": pr.Title, "author": pr.Author,
		"branch": pr.Branch, "branch_slug": branchSlug(pr.Branch),
		"target_branch": pr.TargetBranch, "target_branch_slug": branchSlug(pr.TargetBranch),
		"head_sha": pr.HeadSHA, "head_short_sha": short(pr.HeadSHA, 8), "head_short_sha_7": short(pr.HeadSHA, 7),
	}
	if g.spec.GoTemplate {
		params["labels"] = pr.Labels
	}
	return params
}

func short(sha string, n int) string { return sha[:min(len(sha), n)] }
