package shadow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/api/equality"
)

// A Standing says how long Argo CD may be behind, and since when what differs does.
type Standing struct {
	// Patience is how long Argo CD may take to look again: what differs for longer does
	// so whatever its status was made of.
	Patience time.Duration
	// Since is when a difference was first seen, by its id; nil if nobody knows.
	Since func(id string) time.Time
}

// Compare sets what we have found of an Application beside its status, which is Argo
// CD's. Where that is about another commit, or older than the last change of what is
// live, it is not comparable yet.
func Compare(app *api.Application, found Found, standing Standing) Application {
	c := comparison{app: app, found: found, standing: standing, theirs: map[manifest.Key]api.ResourceStatus{}}
	c.result = Application{
		Namespace: app.Namespace, Name: app.Name, Render: found.Render,
		Ours: sideOf(&found.Status, found.At), Theirs: sideOf(&app.Status, looked(app)),
	}
	c.changes()
	if c.result.Why = c.incomparable(); c.result.Why != "" {
		c.result.Outcome = Pending
		return c.result
	}
	if !c.refused() && !c.blind() {
		c.objects()
	}
	c.whole()
	c.conditions()
	c.result.Outcome = c.result.outcome()
	return c.result
}

func (a *Application) outcome() Outcome {
	switch {
	case len(a.Differences) > 0:
		return Differs
	case len(a.Pending) > 0:
		return Pending
	case len(a.ByDesign) > 0:
		return ByDesign
	}
	return Same
}

func sideOf(s *api.ApplicationStatus, at time.Time) Side {
	side := Side{Revisions: s.Sync.Revisions, SourceType: s.SourceType, Sync: s.Sync.Status, Health: s.Health.Status, At: at}
	if s.Sync.Revision != "" {
		side.Revisions = []string{s.Sync.Revision}
	}
	for _, c := range s.Conditions {
		side.Conditions = append(side.Conditions, Condition{c.Type, c.Message})
	}
	return side
}

// looked is when Argo CD has compared with the newest commits.
func looked(app *api.Application) time.Time {
	if app.Status.ReconciledAt == nil {
		return time.Time{}
	}
	return app.Status.ReconciledAt.Time
}

// A comparison is one at work.
type comparison struct {
	app      *api.Application
	found    Found
	standing Standing
	result   Application

	theirs map[manifest.Key]api.ResourceStatus
	// explained are reasons by which objects' sync and health differ on purpose; open
	// says that objects' differ without one.
	explained map[string]string
	open      map[string]bool
}

// incomparable says why the two are not about the same, "" if they are.
func (c *comparison) incomparable() string {
	status := &c.app.Status
	op := status.OperationState
	switch {
	case c.app.DeletionTimestamp != nil:
		return "it is being deleted"
	case status.ReconciledAt == nil && !refuses(status):
		return "Argo CD has not looked at it yet"
	case c.app.Operation != nil, op != nil && !op.Phase.Completed():
		return "Argo CD is syncing it"
	case c.app.Annotations[api.AnnotationRefresh] != "":
		return "Argo CD was asked to look again"
	case refuses(status):
		return ""
	case !sameSpec(status.Sync.ComparedTo, c.app.Spec.ComparedTo()):
		return "its spec has changed since Argo CD has looked"
	}
	if c.mayKnow() {
		return fmt.Sprintf("we cannot compare it now, or Argo CD cannot, which keeps its last word for %s when it cannot read a source", grace)
	}
	ours, theirs := strings.Join(c.result.Ours.Revisions, ", "), strings.Join(c.result.Theirs.Revisions, ", ")
	if ours == theirs || ours == "" || theirs == "" {
		return ""
	}
	d := Difference{What: "revision", Ours: ours, Theirs: theirs}
	if c.lasts(&d) {
		c.result.Differences = append(c.result.Differences, d)
		return ""
	}
	return fmt.Sprintf("Argo CD is at %s, and we are at %s: it looks at least every %s", theirs, ours, c.standing.Patience)
}

// grace is for how long Argo CD keeps its last word when it cannot read or render a source
// (controller.repo.error.grace.period.seconds).
const grace = 3 * time.Minute

// mayKnow says that one of the two cannot say how the Application stands, and the other
// may not know yet of what that is because.
func (c *comparison) mayKnow() bool {
	ours, theirs := c.result.Ours.Sync, c.result.Theirs.Sync
	if c.standing.Since == nil || (ours == api.SyncCodeUnknown) == (theirs == api.SyncCodeUnknown) {
		return false
	}
	since := c.standing.Since(Difference{What: "sync", Ours: string(ours), Theirs: string(theirs)}.id())
	return c.found.At.Sub(since) <= c.standing.Patience+grace
}

// sameSpec says that a comparison was of the spec as it is.
func sameSpec(a, b api.ComparedTo) bool {
	return equality.Semantic.DeepEqual(a.Source, b.Source) && equality.Semantic.DeepEqual(a.Sources, b.Sources) &&
		equality.Semantic.DeepEqual(a.Destination, b.Destination) && equality.Semantic.DeepEqual(a.IgnoreDifferences, b.IgnoreDifferences)
}

// lasts says that a difference has been there for longer than Argo CD may be behind.
func (c *comparison) lasts(d *Difference) bool {
	if c.standing.Since == nil {
		return false
	}
	d.Since = c.standing.Since(d.id())
	return c.found.At.Sub(d.Since) > c.standing.Patience
}

// add notes a difference. Fresh says that what it is about has changed since Argo CD
// has looked; because, that it is so by design.
func (c *comparison) add(d Difference, fresh bool, because string) {
	lasts := c.lasts(&d)
	switch {
	case because != "":
		d.Note = "by design: " + because
		c.result.ByDesign = append(c.result.ByDesign, d)
	case fresh && !lasts:
		d.Note = "it has changed since Argo CD has looked"
		c.result.Pending = append(c.result.Pending, d)
	default:
		c.result.Differences = append(c.result.Differences, d)
	}
}

// changes lists what a sync of ours would do.
func (c *comparison) changes() {
	for _, o := range c.found.Objects {
		if o.Verdict != diff.Extra {
			c.result.Objects++
		}
		if o.Verdict == diff.Same && len(o.Ignored) == 0 {
			continue
		}
		change := Change{Object: o.Key.String(), Verdict: o.Verdict, Fields: o.Fields, Ignored: o.Ignored, Unmarked: o.Unmarked}
		if o.Err != nil {
			change.Error = o.Err.Error()
		}
		c.result.Changes = append(c.result.Changes, change)
	}
}

// whole compares what is said of the Application as a whole. Where single objects
// explain it, their reason is its own.
func (c *comparison) whole() {
	ours, theirs := c.result.Ours, c.result.Theirs
	fresh := c.disputed() || slices.ContainsFunc(c.found.Objects, c.fresh)
	if ours.Sync != theirs.Sync {
		c.add(Difference{What: "sync", Ours: string(ours.Sync), Theirs: string(theirs.Sync)}, fresh, c.why("sync"))
	}
	if ours.Health != theirs.Health {
		because := c.why("health")
		if theirs.Health == api.HealthMissing && c.oneMissing() {
			because = "one missing object makes no Application Missing, as in Argo CD since 3.4"
		}
		if ours.Sync == api.SyncCodeUnknown && theirs.Sync == api.SyncCodeUnknown && ours.Health == api.HealthUnknown {
			because = byUnknown
		}
		c.add(Difference{What: "health", Ours: string(ours.Health), Theirs: string(theirs.Health)}, fresh, because)
	}
	if ours.SourceType != theirs.SourceType && ours.SourceType != "" && theirs.SourceType != "" {
		c.add(Difference{What: "source type", Ours: string(ours.SourceType), Theirs: string(theirs.SourceType)}, false, "")
	}
}

// why is by which design all objects differ that do in something; "" if one differs
// without a reason, or none does.
func (c *comparison) why(what string) string {
	if c.open[what] {
		return ""
	}
	return c.explained[what]
}

// fresh says that an object has changed since Argo CD has looked, or in that second.
func (c *comparison) fresh(o Object) bool {
	return !o.Changed.Before(looked(c.app).Truncate(time.Second))
}

// oneMissing says that something is missing, and not all.
func (c *comparison) oneMissing() bool {
	missing, there := false, false
	for _, r := range c.found.Status.Resources {
		is := r.Health != nil && r.Health.Status == api.HealthMissing
		missing, there = missing || is, there || !is
	}
	return missing && there
}
