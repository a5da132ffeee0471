package project

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Surprises returns what the project permits an Application only because it denies
// something else: one sentence each. A lone denial permits all the rest, which is
// seldom meant (SEMANTICS.md 1.8).
func (r *Rules) Surprises(app *api.Application, dest api.Destination) []string {
	var all []string
	for _, s := range app.Spec.AllSources() {
		if path := r.deniesOnly(s.RepoURL); path != "" {
			all = append(all, fmt.Sprintf("%s permits %s only by denying another repository, as it does all the rest", path, normalize(s.RepoURL).shown))
		}
	}
	if path := r.deniesElsewhere(dest, app.Spec.Destination.Namespace); path != "" {
		all = append(all, fmt.Sprintf("%s permits namespace %s on cluster %s only by denying another, as it does all the rest",
			path, shown(app.Spec.Destination.Namespace), shownCluster(dest)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// deniesOnly returns the denial that permits a repository, if nothing else does.
func (r *Rules) deniesOnly(repoURL string) (path string) {
	a := normalize(repoURL)
	for _, s := range r.sources {
		switch matches := s.pattern.any || a.plain && s.pattern.matches(a.text); {
		case matches && !s.pattern.deny:
			return ""
		case matches && path == "":
			path = s.path
		}
	}
	return path
}

// deniesElsewhere is the like for destinations.
func (r *Rules) deniesElsewhere(dest api.Destination, namespace string) (path string) {
	for i := range r.destinations {
		d := &r.destinations[i]
		permits, _ := d.judge(dest.Server, dest.Name, namespace)
		switch {
		case !permits:
		case !d.namespace.deny && d.states(dest):
			return ""
		case path == "":
			path = d.path
		}
	}
	return path
}

// states says that the entry names a cluster, and does not only deny another.
func (d *destination) states(dest api.Destination) bool {
	return dest.Server != "" && !d.server.deny && d.server.matches(dest.Server) ||
		dest.Name != "" && !d.name.deny && d.name.matches(dest.Name)
}
