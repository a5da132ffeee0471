package appset

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	// Kept would be changed or deleted if the policy permitted that, and if all that is
	// generated had names of their own.
	Kept []string
	// Alone are those that were generated and are invalid: nothing is done with them.
	Alone []string
	// Foreign have a name that is generated, and belong to somebody else.
	Foreign []string
	// Held is why nothing is deleted for now, "" if nothing is held. DESIGN.md D10.
	Held string
	// Hash names what is held: who approves of it states this.
	Hash string
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
// of its namespace. A deletion that the set's annotations approve of is not held. Nothing
// is done with an Application that is being deleted: once it is gone, it is made anew if
// it is wanted.
func PlanOf(set *api.ApplicationSet, result *Result, live []*api.Application) (Plan, error) {
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
		b.misnamed = b.misnamed || made.Invalid != nil && made.Field == nameField
		if err := b.generated(made); err != nil {
			return Plan{}, err
		}
	}
	b.lost(live, wanted)
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

// MayDelete says that a set deletes Applications: those that it does not state any more,
// and all of them when it goes itself.
func MayDelete(set *api.ApplicationSet) bool { return policyOf(set).AllowDelete() }

type planning struct {
	set    *api.ApplicationSet
	policy api.ApplicationsSync
	ignore *diff.Ignore
	live   map[string]*api.Application
	plan   Plan
	// misnamed: an Application has a name that it cannot have, or that another has,
	// too, and so it is not known which live one it is.
	misnamed bool
}

func (b *planning) generated(made Generated) error {
	name := made.App.Name
	made.App = Live(b.set, made.App)
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
	case was.DeletionTimestamp != nil:
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

// owns says whether a live Application is the set's, or nobody's: that is taken over, as
// Argo CD does.
func (b *planning) owns(app *api.Application) bool {
	return metav1.GetControllerOfNoCopy(app) == nil || Owns(b.set, app)
}

// Owns says whether a live Application is a set's, by its controller reference.
func Owns(set *api.ApplicationSet, app *api.Application) bool {
	owner := metav1.GetControllerOfNoCopy(app)
	return owner != nil && owner.Kind == api.ApplicationSetKind && owner.Name == set.Name && (owner.UID == set.UID || set.UID == "")
}

// fewDeletions are never held: as many as people delete by hand in one go.
const fewDeletions = 1

// lost deletes those that the set has made and does not state any more, or holds that if
// they are more than half of its Applications.
func (b *planning) lost(live []*api.Application, wanted map[string]bool) {
	var gone []string
	owned := 0
	for _, app := range live {
		if !Owns(b.set, app) || app.DeletionTimestamp != nil {
			continue
		}
		owned++
		if !wanted[app.Name] {
			gone = append(gone, app.Name)
		}
	}
	slices.Sort(gone)
	hash := hashOf(b.set, gone)
	switch {
	case !b.policy.AllowDelete() || b.misnamed:
		b.plan.Kept = append(b.plan.Kept, gone...)
	case len(gone) > fewDeletions && 2*len(gone) > owned && !approved(b.set, hash):
		b.plan.Held = fmt.Sprintf("%d of %d Applications would be deleted: %s", len(gone), owned, listed(gone))
		b.plan.Hash = hash
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
