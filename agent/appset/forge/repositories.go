package forge

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// A provider has repositories with branches.
type provider interface {
	close()
	// repositories have no SHA yet; their Branch is the default one.
	repositories(ctx context.Context) ([]repository, error)
	// branches are all of one.
	branches(ctx context.Context, r repository) ([]branch, error)
	// branch is nil if there is none of that name.
	branch(ctx context.Context, r repository) (*branch, error)
	// all says whether all branches are asked for, or the default one.
	all() bool
	hasPath(ctx context.Context, r repository, branch, path string) (bool, error)
}

// A repository is one, whatever server it is on.
type repository struct {
	appset.Repository
	ssh, https string
}

// A branch is where one ends.
type branch struct{ name, sha string }

// atOnce is how many requests are under way for one generator.
const atOnce = 8

// maxBranches bounds what one generator yields, all repositories together.
const maxBranches = 20_000

// branches asks for those of all repositories that the filters may let pass.
func branches(ctx context.Context, from provider, g *api.SCMProviderGenerator) ([]appset.Repository, error) {
	known, err := from.repositories(ctx)
	if err != nil {
		return nil, err
	}
	var wanted []repository
	for _, r := range known {
		if r.URL, err = r.address(g.CloneProtocol); err != nil {
			return nil, err
		}
		pass, err := appset.MayPass(ctx, g.Filters, r.Repository)
		if err != nil {
			return nil, err
		}
		if pass {
			wanted = append(wanted, r)
		}
	}
	found := make([][]appset.Repository, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, r := range wanted {
		group.Go(func() (err error) {
			found[i], err = branchesOf(ctx, from, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	if len(all) > maxBranches {
		return nil, fmt.Errorf("%w: there are %d branches, more than %d", appset.ErrLimit, len(all), maxBranches)
	}
	return all, nil
}

// address is the one to clone from.
func (r *repository) address(protocol string) (string, error) {
	switch protocol {
	case "", "ssh":
		return r.ssh, nil
	case "https":
		return r.https, nil
	}
	return "", fmt.Errorf("cloneProtocol %.20q is neither ssh nor https", protocol)
}

// branchesOf are those of one repository. One that is empty has none.
func branchesOf(ctx context.Context, from provider, r repository) ([]appset.Repository, error) {
	var list []branch
	if from.all() {
		var err error
		if list, err = from.branches(ctx, r); err != nil {
			return nil, err
		}
	} else if r.Branch != "" {
		only, err := from.branch(ctx, r)
		if err != nil || only == nil {
			return nil, err
		}
		list = []branch{*only}
	}
	all := make([]appset.Repository, len(list))
	for i, b := range list {
		all[i] = r.Repository
		all[i].Branch, all[i].SHA = b.name, b.sha
		all[i].HasPath = func(ctx context.Context, path string) (bool, error) { return from.hasPath(ctx, r, b.name, path) }
	}
	return all, nil
}

// found makes no branch of an answer that says that there is none.
func found(b *branch, err error) (*branch, error) {
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}
