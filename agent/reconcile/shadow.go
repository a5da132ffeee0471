package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

// A Shadow makes passes look on at Argo CD, which does the work. They take the same
// steps up to the comparison and the health of objects, and write nothing: what they
// come to goes to whoever sets the two beside each other.
type Shadow struct {
	// Found is told what a pass over an Application has found.
	Found func(app *api.Application, found *Observation)
	// Gone is told of one that is not there any more, or that nobody is to look at.
	Gone func(namespace, name string)

	mu   sync.Mutex // guards told
	told map[string]map[manifest.Key]toldDifference
}

// An Observation is what a pass has come to that nothing was done about.
type Observation struct {
	// Status is the one that the agent would write.
	Status  api.ApplicationStatus
	Changes []diff.Change
	// Differences are the objects that are not as Git states them, field by field.
	Differences []Difference
	// Render is a digest of what was rendered, "" if that failed. Two equal ones state
	// the same objects; Secrets count by marks of this process.
	Render string
	At     time.Time
}

// A toldDifference is known for as long as neither Git nor what is live changes.
type toldDifference struct {
	desired, live string
	ignore        *diff.Ignore
	difference    Difference
}

// shadow makes a pass over an Application that is another agent's.
func (r *Reconciler) shadow(ctx context.Context, app *api.Application, instance string) (Outcome, error) {
	if app == nil || app.Annotations[api.AnnotationSkipReconcile] == "true" {
		r.forget(instance)
		r.Shadow.forget(instance)
		r.Shadow.Gone(api.ParseInstanceName(instance, r.Namespace))
		return Outcome{}, nil
	}
	r.meet(instance, app.UID)
	to := r.goalOf(app)
	if errors.Is(to.away, destinations.ErrConnecting) {
		return Outcome{}, nil // it is woken
	}
	p := r.begin(app.DeepCopy(), to)
	found := p.observed(ctx)
	r.claims.reported(instance)
	r.Shadow.Found(app, found)
	return Outcome{Again: p.again, Failed: p.failed}, nil
}

// Observe finds out how an Application stands, as a pass would, and writes nothing. The
// watches of the Cluster must be running.
func (r *Reconciler) Observe(ctx context.Context, app *api.Application) *Observation {
	return r.begin(app.DeepCopy(), r.goalOf(app)).observed(ctx)
}

// observed is the pass. What goes wrong is in the conditions of what it has found.
func (p *pass) observed(ctx context.Context) *Observation {
	found := &Observation{At: p.now.Time}
	err := crash.Guard("pass", func() error {
		p.observe(ctx, found)
		return nil
	})
	if err != nil {
		p.unknown(err)
	}
	p.status.Conditions = p.report.merged(nil, p.now)
	p.discreet()
	found.Status = p.status
	return found
}

// observe takes the flow as far as it only reads. What the other agent is asked to do,
// or does, is no concern of it, and what that has written of objects is none of its own
// words.
func (p *pass) observe(ctx context.Context, found *Observation) {
	last := p.status.OperationState
	p.app.Operation, p.status = nil, api.ApplicationStatus{History: p.status.History}
	if !p.valid() {
		p.r.claims.failed(p.name, p.moves, p.now.Time)
		return
	}
	if p.to.away != nil {
		p.unreachable()
		return
	}
	desired, err := p.desire(ctx)
	if err != nil {
		p.unknown(err)
		return
	}
	found.Render = renderOf(desired.Objects)
	changes, err := p.compare(ctx, desired)
	if err != nil {
		p.unknown(err)
		return
	}
	p.status.OperationState = last // says what the namespace was given
	p.compared(desired, changes)
	p.status.OperationState = nil
	p.orphans(ctx, desired)
	if len(p.rejected) > 0 {
		p.report.add(api.ConditionComparisonError, describe(p.rejected))
	}
	found.Changes, found.Differences = changes, p.differences(ctx, changes)
}

// renderOf is a digest of a set.
func renderOf(set manifest.Set) string {
	hashes := map[manifest.Key]string{}
	for _, o := range set {
		hashes[o.Key] = o.Hash()
	}
	sum := sha256.Sum256([]byte(sumOf(hashes)))
	return hex.EncodeToString(sum[:16])
}

// differences asks for those that are not known yet.
func (p *pass) differences(ctx context.Context, changes []diff.Change) []Difference {
	shadow := p.r.Shadow
	known, next := shadow.knownOf(p.name), map[manifest.Key]toldDifference{}
	var all []Difference
	preview := &Preview{Ignore: p.ignore, cluster: p.to.Cluster, apply: p.apply}
	for _, c := range changes {
		if d, ok := known[c.Key]; ok && d.is(c, p.ignore) {
			all, next[c.Key] = append(all, d.difference), d
			continue
		}
		preview.Changes = append(preview.Changes, c)
	}
	for _, d := range p.r.Differences(ctx, preview) {
		all = append(all, d)
		if d.Err == nil && d.Desired != nil && d.Live != nil {
			next[d.Key] = toldDifference{d.Desired.Hash(), d.Live.Digest, p.ignore, d}
		}
	}
	shadow.know(p.name, next)
	return all
}

// is says that a difference is that of a change.
func (t toldDifference) is(c diff.Change, ignore *diff.Ignore) bool {
	return c.Desired != nil && c.Live != nil && t.desired == c.Desired.Hash() && t.live == c.Live.Digest &&
		t.ignore.Equal(ignore) && (c.Verdict == diff.Same) == (t.difference.Verdict == diff.Same)
}

func (s *Shadow) knownOf(app string) map[manifest.Key]toldDifference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told[app]
}

func (s *Shadow) know(app string, differences map[manifest.Key]toldDifference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = map[string]map[manifest.Key]toldDifference{}
	}
	s.told[app] = differences
}

func (s *Shadow) forget(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.told, app)
}

// marks says how objects are marked.
func (p *pass) marks() string {
	if p.r.Shadow == nil {
		return p.settings.Installation
	}
	return fmt.Sprintf("%s %+v", p.settings.Installation, Tracking(p.settings))
}

// Tracking is how Argo CD marks objects by its settings (SEMANTICS.md 2.4).
func Tracking(s *settings.Settings) cluster.Tracking {
	label := s.Label
	if label == "" {
		label = api.LabelInstance
	}
	switch s.Tracking {
	case trackByLabel:
		return cluster.Tracking{Label: label}
	case trackByBoth:
		return cluster.Tracking{Annotation: true, Label: label}
	}
	return cluster.Tracking{Annotation: true}
}

// The methods of application.resourceTrackingMethod but the usual one.
const (
	trackByLabel = "label"
	trackByBoth  = "annotation+label"
)

// maxLabel is how long a label's value may be.
const maxLabel = 63

// trackAsArgo writes on an object what Argo CD does: beside it, what it has applied is
// to be compared, and not what is ours.
func (p *pass) trackAsArgo(meta map[string]any, key manifest.Key) {
	if key.Kind == "CustomResourceDefinition" {
		return
	}
	tracking := Tracking(p.settings)
	if tracking.Label != "" {
		put(meta, "labels", tracking.Label, strings.TrimRight(p.name[:min(len(p.name), maxLabel)], "-_."))
	}
	if !tracking.Annotation {
		return
	}
	if p.settings.Installation != "" {
		put(meta, "annotations", api.AnnotationInstallationID, p.settings.Installation)
	}
	put(meta, "annotations", api.AnnotationTrackingID, trackingID(p.name, p.app, key))
}

// expect notes what the Application states, if this is a look at another agent's work.
func (p *pass) expect(ctx context.Context, set manifest.Set) error {
	if p.r.Shadow == nil {
		return nil
	}
	return p.to.Cluster.Expect(ctx, p.name, set)
}
