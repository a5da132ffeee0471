package appset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// A Plan is what is to be done with the live Applications of a set.
type Plan struct {
	Create []*api.Application
	// Update holds each Application as it is to be.
	Update []*api.Application
	// Delete are names, as all that follow.
	Delete []string
	// Kept would be created, changed or deleted if the policy permitted that.
	Kept []string
	// Alone are those that were generated and are invalid: nothing is done with them.
	Alone []string
	// Foreign have a name that is generated, and belong to somebody else.
	Foreign []string
	// Held is why nothing is deleted for now, "" if nothing is held. DESIGN.md D10.
	Held string
}

// String prints a line for each Application.
func (p Plan) String() string {
	var b strings.Builder
	line := func(verb string, names []string) {
		for _, name := range names {
			fmt.Fprintln(&b, verb, name)
		}
	}
	line("create", namesOf(p.Create))
	line("update", namesOf(p.Update))
	line("delete", p.Delete)
	line("keep", p.Kept)
	line("leave alone", p.Alone)
	line("foreign", p.Foreign)
	if p.Held != "" {
		fmt.Fprintln(&b, "held:", p.Held)
	}
	return b.String()
}

func namesOf(apps []*api.Application) []string {
	var names []string
	for _, app := range apps {
		names = append(names, app.Name)
	}
	return names
}

// PlanOf compares what a set generates with the live Applications that it may own: those
// of its namespace. An approved deletion is not held.
func PlanOf(set *api.ApplicationSet, result *Result, live []*api.Application, approved bool) (Plan, error) {
	ignore, err := newIgnore(set.Spec.IgnoreApplicationDifferences)
	if err != nil {
		return Plan{}, err
	}
	b := &planning{set: set, policy: policyOf(set), ignore: ignore, live: map[string]*api.Application{}}
	for _, app := range live {
		b.live[app.Name] = app
	}
	wanted := map[string]bool{}
	for _, made := range result.Applications {
		wanted[made.App.Name] = true
		if err := b.generated(made); err != nil {
			return Plan{}, err
		}
	}
	b.lost(live, wanted, approved)
	b.sort()
	return b.plan, nil
}

// policyOf is what the set permits: everything, if it says nothing.
func policyOf(set *api.ApplicationSet) api.ApplicationsSync {
	if s := set.Spec.SyncPolicy; s != nil && s.ApplicationsSync != nil {
		return *s.ApplicationsSync
	}
	return api.ApplicationsSyncAll
}

type planning struct {
	set    *api.ApplicationSet
	policy api.ApplicationsSync
	ignore *diff.Ignore
	live   map[string]*api.Application
	plan   Plan
}

func (b *planning) generated(made Generated) error {
	name := made.App.Name
	was := b.live[name]
	if made.Invalid != nil {
		b.plan.Alone = append(b.plan.Alone, name)
		return nil //nolint:nilerr // it is told of as a problem of that Application
	}
	switch {
	case was == nil:
		app := made.App.DeepCopy()
		app.OwnerReferences = ownedBy(b.set, app)
		b.plan.Create = append(b.plan.Create, app)
		return nil
	case !b.owns(was):
		b.plan.Foreign = append(b.plan.Foreign, name)
		return nil
	}
	is, changed, err := updated(b.set, was, made.App, b.ignore)
	switch {
	case err != nil:
		return err
	case !changed:
	case b.policy.AllowUpdate():
		b.plan.Update = append(b.plan.Update, is)
	default:
		b.plan.Kept = append(b.plan.Kept, name)
	}
	return nil
}

// owns says whether a live Application is the set's, by its controller reference. One
// of nobody is taken over, as Argo CD does.
func (b *planning) owns(app *api.Application) bool {
	for _, owner := range app.OwnerReferences {
		if owner.Controller != nil && *owner.Controller {
			return owner.Kind == api.ApplicationSetKind && owner.Name == b.set.Name && (owner.UID == b.set.UID || b.set.UID == "")
		}
	}
	return true
}

// fewDeletions are never held: as many as people delete by hand in one go.
const fewDeletions = 1

// lost deletes those that the set has made and does not state any more, or holds that if
// they are more than half of its Applications.
func (b *planning) lost(live []*api.Application, wanted map[string]bool, approved bool) {
	var gone []string
	owned := 0
	for _, app := range live {
		if len(app.OwnerReferences) == 0 || !b.owns(app) {
			continue
		}
		owned++
		if !wanted[app.Name] {
			gone = append(gone, app.Name)
		}
	}
	switch {
	case !b.policy.AllowDelete():
		b.plan.Kept = append(b.plan.Kept, gone...)
	case len(gone) > fewDeletions && 2*len(gone) > owned && !approved:
		b.plan.Held = fmt.Sprintf("%d of %d Applications would be deleted: %s", len(gone), owned, listed(slices.Sorted(slices.Values(gone))))
	default:
		b.plan.Delete = gone
	}
}

func (b *planning) sort() {
	byName := func(x, y *api.Application) int { return strings.Compare(x.Name, y.Name) }
	slices.SortFunc(b.plan.Create, byName)
	slices.SortFunc(b.plan.Update, byName)
	for _, names := range [][]string{b.plan.Delete, b.plan.Kept, b.plan.Alone, b.plan.Foreign} {
		slices.Sort(names)
	}
}
