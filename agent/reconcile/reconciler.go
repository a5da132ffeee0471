package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Config is what a Reconciler needs; every field.
type Config struct {
	// Namespace is the agent's own, in which Applications have short names.
	Namespace string
	Store     Store
	Pipeline  Pipeline
	// Destinations finds the clusters of Applications. See Only.
	Destinations Destinations
	Log          *slog.Logger
	Now          func() time.Time
	// Refresh is how often an Application is looked at without a reason, and how
	// long a failed revision rests before it is tried anew, if argocd-cm does not say
	// otherwise (settings.Pace).
	Refresh time.Duration
	// Insist on Refresh, whatever argocd-cm says.
	Insist bool
	// SyncTimeout is how long an operation may take, if its Application does not say
	// otherwise; 0 is for ever.
	SyncTimeout time.Duration
	// Impersonate makes objects be written in the name of the ServiceAccount that
	// the project says (spec.destinationServiceAccounts); without one nothing is.
	Impersonate bool
	// Onlooker: it makes previews only, with the rights of a person. Nothing is said
	// then of how the agent runs.
	Onlooker bool
	// Shadow is how the agent looks on at another one, which does the work; nil if this
	// is the one that does.
	Shadow *Shadow
	// Settings are what argocd-cm says; nil if nobody reads it.
	Settings func() *settings.Settings
	// Wake has a pass made over an Application soon, if there is one of the name;
	// nil if no passes are made.
	Wake func(types.NamespacedName)
	// Redact takes what is secret of an Application out of a text that goes into its
	// status; nil if nobody knows.
	Redact func(app, text string) string
	// Rollouts restart workloads that ask for it; nil where none can.
	Rollouts *Rollouts
	// Finder is told of what the status does not say; nil if nobody wants to know.
	Finder Finder
	// Synced is told of every operation that ended.
	Synced func(app *api.Application, op *api.OperationState)
	// Sweeping names what is being deleted with all Applications of a namespace in it,
	// "" if nothing is; nil if that cannot be found out.
	Sweeping func(ctx context.Context, namespace string) (string, error)
	// Replicas are those that this process is one of; nil if it works on all Applications.
	Replicas Replicas
	// Rivals is where Argo CD's controller is looked for; nil if none is.
	Rivals Rivals
	// Yielded, if not nil, is told of an Application that is another Tidelock's, and why.
	Yielded func(app *api.Application, why string)
	// IgnoreRivals has Applications worked on that Argo CD works on, too.
	IgnoreRivals bool
}

// A Reconciler makes passes. It is safe for concurrent use on different
// Applications.
type Reconciler struct {
	Config
	tuned     atomic.Pointer[Tuning]
	revisions *rate.Limiter // of status writes that only name a newer commit
	claims    *claims       // what all Applications state
	hearing   hearing       // who waits for news of whom

	mu      sync.Mutex           // guards all below
	uids    map[string]types.UID // whose all that is
	desired map[string]*Desired
	held    map[string]*api.ApplicationStatus // reports that rest: see hold
	yielded map[string]yielding               // what was left to other Tidelocks: see cede
	failed  map[string]*project.Rules         // by which the last operation failed
	waits   map[string]wait                   // what operations wait for
	ignores map[string]ignored                // compiled rules
	circles map[string]depend.Circle          // dependencies that go round
	doubts  map[string]doubt                  // that deletions wait for: see surely
	due     map[string]time.Time              // when to name a newer commit: see quiet
	renewed map[string]time.Time              // when all that is kept was dropped: see overdue
	places  map[place]*orphanage              // where objects of no application are looked for
	strays  map[string]int                    // how many there are beside an Application's own
	targets map[string]goal                   // where applications were reached last
	told    map[located]string                // what the status of SealedSecrets was last made of: see sealed.go
	// doubtful are Applications of which what is known may not be what is stored.
	doubtful map[string]bool
}

// New returns a Reconciler that has seen nothing yet.
func New(config Config) *Reconciler {
	if config.Destinations == nil {
		config.Destinations = Only(destinations.Target{})
	}
	r := &Reconciler{
		Config: config, uids: map[string]types.UID{}, desired: map[string]*Desired{}, held: map[string]*api.ApplicationStatus{}, yielded: map[string]yielding{},
		failed: map[string]*project.Rules{}, waits: map[string]wait{}, ignores: map[string]ignored{},
		circles: map[string]depend.Circle{}, doubts: map[string]doubt{},
		claims: newClaims(), hearing: hearing{seen: map[string]map[string]face{}},
		told: map[located]string{}, targets: map[string]goal{},
		places: map[place]*orphanage{}, strays: map[string]int{},
		due: map[string]time.Time{}, renewed: map[string]time.Time{}, doubtful: map[string]bool{},
		revisions: rate.NewLimiter(revisionsPerSecond, revisionsAtOnce),
	}
	r.tuned.Store(config.tuning())
	return r
}

// An Outcome says when to make the next pass, if no event comes before.
type Outcome struct {
	// Again is 0 if only an event or the usual refresh can change anything.
	Again time.Duration
	// Failed asks for a back-off.
	Failed bool
}

// Reconcile makes one pass over an Application. Its error is about writing the
// report; all else that goes wrong is in the report.
func (r *Reconciler) Reconcile(ctx context.Context, namespace, name string) (Outcome, error) {
	instance := api.InstanceName(namespace, name, r.Namespace)
	defer r.show(instance)
	app := r.Store.Application(namespace, name)
	if r.Shadow != nil {
		return r.shadow(ctx, app, instance)
	}
	if app == nil {
		return r.bereaved(ctx, instance)
	}
	if app.Annotations[api.AnnotationSkipReconcile] == "true" {
		return Outcome{}, nil
	}
	r.meet(instance, app.UID)
	if v := r.Tidelock(ctx, app); v.Held {
		return r.cede(app, instance, v), nil
	}
	if v := r.contested(ctx, app); v.Held {
		return r.yield(ctx, app, instance, v)
	}
	to := r.goalOf(app)
	if errors.Is(to.away, destinations.ErrConnecting) || errors.Is(to.away, destinations.ErrSkipped) {
		return Outcome{}, nil // it is woken when that has changed
	}
	p := r.begin(app.DeepCopy(), to)
	if app.DeletionTimestamp != nil {
		return p.delete(ctx)
	}
	p.guarded(ctx)
	if err := p.finish(ctx); err != nil {
		return Outcome{Failed: true}, err
	}
	r.claims.reported(instance)
	return Outcome{Again: p.again, Failed: p.failed}, nil
}

// meet forgets an Application of the same name that was there before.
func (r *Reconciler) meet(name string, uid types.UID) {
	r.mu.Lock()
	known, met := r.uids[name]
	r.uids[name] = uid
	r.mu.Unlock()
	if met && known != uid {
		r.forget(name)
	}
}

// bereaved lets go of the hooks of an Application that this process has worked on
// and that is gone: nobody else will.
func (r *Reconciler) bereaved(ctx context.Context, name string) (Outcome, error) {
	r.mu.Lock()
	_, known := r.desired[name]
	r.mu.Unlock()
	to := r.target(name)
	if !known || to.Cluster == nil {
		r.lose(name)
		return Outcome{}, nil
	}
	for _, l := range to.Cluster.Snapshot(name, nil) {
		if !l.Hook || !l.Finalizer {
			continue
		}
		switch err := to.Apply.ReleaseHook(ctx, l); {
		case errors.Is(err, destinations.ErrNoCluster): // its Secret is gone, too
		case err != nil:
			return Outcome{Failed: true}, err
		}
	}
	r.lose(name)
	return Outcome{}, nil
}

// A pass is the work on one Application, once.
type pass struct {
	r    *Reconciler
	app  *api.Application
	name string // instance name, as in tracking ids
	now  metav1.Time
	log  *slog.Logger
	to   goal

	windows *window.Windows                 // that match the Application
	rules   *project.Rules                  // of the Application's project
	refused map[manifest.Key]string         // desired objects that it does not permit, and why
	demand  string                          // who demands that plans are approved, "" if nobody does
	circle  depend.Circle                   // of dependencies, that the Application is in
	unsure  string                          // why deletions wait: see surely
	heirOf  map[manifest.Key]string         // live objects that another Application states instead
	distant map[string]distant              // what other processes have told of Applications: see ask
	yielded map[manifest.Key]*diff.Live     // Secrets that a controller makes instead
	follows map[manifest.Key][]manifest.Key // what workloads restart for, of what is stated
	objects manifest.Set                    // that are desired, marked

	settings *settings.Settings // as they were when the pass began
	tuned    *Tuning            // likewise
	pace     settings.Pace      // likewise
	apply    *apply.Applier     // in the name that the project says; nil as long as that is not known
	ignore   *diff.Ignore       // what differences do not count
	rejected []apply.Result     // changes that the API server refuses, in a dry run

	status     api.ApplicationStatus // as it will be written
	written    api.ApplicationStatus // as it stands in the cluster
	report     report
	moves      int  // of the repositories, as the pass began
	taken      bool // the requested operation was taken on, and is to be cleared
	ended      bool // an operation ended in this pass
	terminated bool // an operation that somebody has terminated ended in this pass
	rested     bool // the report of the pass before rested
	again      time.Duration
	failed     bool
}

func (r *Reconciler) begin(app *api.Application, to goal) *pass {
	name := api.InstanceName(app.Namespace, app.Name, r.Namespace)
	p := &pass{
		r: r, app: app, name: name, now: metav1.NewTime(r.Now()), log: r.Log.With("application", name),
		moves: r.claims.begin(name), written: app.Status, settings: r.settings(), tuned: r.tuned.Load(),
		to: to,
	}
	r.reached(name, to)
	p.pace = r.pace(p.settings)
	if !p.impersonates() {
		p.apply = p.to.Apply
	}
	if held := r.unhold(name); held != nil {
		p.app.Status, p.rested = *held, true
	}
	p.status = *p.app.Status.DeepCopy()
	return p
}

// run takes the flow of DESIGN.md section 1, step by step. A step that fails
// reports why and ends the pass; nothing live is touched because of it.
func (p *pass) run(ctx context.Context) {
	p.terminate(ctx)
	valid := p.valid()
	p.rounds()
	if !valid {
		p.stall(p.report.of(api.ConditionInvalidSpecError))
		p.broken(p.report.of(api.ConditionInvalidSpecError))
		p.r.claims.failed(p.name, p.moves, p.now.Time)
		return
	}
	p.legible()
	p.leaves()
	if p.to.away != nil {
		p.unreachable()
		return
	}
	desired, err := p.desire(ctx) // commit, tree, manifests, secrets
	if err != nil {
		p.sealedFailed(ctx, err)
		if p.unknown(err); p.failed { // not if it is known when to try again
			p.broken(err.Error())
		}
		return
	}
	comparing, compared := trace.Step(ctx, "compare")
	changes, err := p.compare(comparing, desired)
	if compared(err); err != nil {
		if p.unknown(err); errors.Is(err, cluster.ErrKind) {
			p.broken(err.Error())
		}
		return
	}
	p.compared(desired, changes)
	p.finalize(ctx, desired.Hooks)
	p.found(ctx, changes)
	changes = p.operate(ctx, desired, changes) // plan, apply
	step, judged := trace.Step(ctx, "health")
	p.compared(desired, changes)
	trace.Found(step, string(p.status.Sync.Status), string(p.status.Health.Status))
	judged(nil)
	p.restarts(changes)
	p.unsealed(ctx, changes)
	p.orphans(ctx, desired)
	if len(p.rejected) > 0 && !p.report.has(api.ConditionSyncError) {
		p.report.add(api.ConditionComparisonError, describe(p.rejected))
	}
}

// soon asks for another pass, at the latest after d.
func (p *pass) soon(d time.Duration) {
	if d > 0 && (p.again == 0 || d < p.again) {
		p.again = d
	}
}

// lose forgets an Application that is gone, and that it was there.
func (r *Reconciler) lose(name string) {
	r.forget(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.uids, name)
	delete(r.yielded, name)
}

// forget drops what is kept of an Application that is gone.
func (r *Reconciler) forget(name string) {
	r.tellCircle(name, nil)
	r.wake(r.claims.forget(name))
	r.drop(name)
}

// drop drops what is kept of an Application for itself.
func (r *Reconciler) drop(name string) {
	r.hearing.forget(name)
	r.unfollow(name, r.target(name))
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.desired, name)
	delete(r.held, name)
	delete(r.failed, name)
	delete(r.waits, name)
	delete(r.ignores, name)
	delete(r.doubts, name)
	delete(r.circles, name)
	delete(r.strays, name)
	delete(r.due, name)
	delete(r.renewed, name)
	delete(r.doubtful, name)
	if to := r.targets[name]; to.Cluster != nil {
		r.untell(name, to)
		to.Cluster.Forget(name)
	}
	delete(r.targets, name)
	r.Pipeline.Forget(name)
}
