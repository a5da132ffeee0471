package notify

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/window"
	"k8s.io/apimachinery/pkg/types"
)

// A Store reads and patches Applications, and reads AppProjects.
type Store interface {
	// List returns all Applications, which must not be changed.
	List() []*api.Application
	// Application returns what is known of one, or nil.
	Application(namespace, name string) *api.Application
	// Project returns an AppProject.
	Project(name string) (*api.AppProject, error)
	// Windows returns its sync windows.
	Windows(name string) (*window.Schedule, error)
	// Patch sends a JSON merge patch to an Application and returns what became of it.
	Patch(ctx context.Context, namespace, name string, patch []byte) (*api.Application, error)
}

// Options are what a Notifier needs.
type Options struct {
	Log   *slog.Logger
	Now   func() time.Time
	Store Store
	// Source returns what is configured, and what tells one state of it from another.
	Source func() (source Source, version string)
	// Own returns what a namespace has configured for its own Applications, beside that;
	// nil if none may. Without a ConfigMap there is none.
	Own func(namespace string) (source Source, version string)
	// Commit describes commits.
	Commit Describe
	// Wake has an Application looked at soon.
	Wake func(types.NamespacedName)
	// Mine says whose events this agent tells of; nil if all are its own.
	Mine func(types.NamespacedName) bool
	// Record tells of what could not be sent.
	Record func(*api.Application, event.Event)
	// Redact takes out of a text what is secret of an Application; nil if nobody knows.
	Redact func(app *api.Application, text string) string
	// Evaluated counts conditions, Delivered messages.
	Evaluated func(trigger string, holds bool)
	Delivered func(trigger, service string, ok bool)
}

// A Notifier finds out what is to be told of Applications, and sends it. Its methods
// may be called by several goroutines.
type Notifier struct {
	Options
	post *post

	mu      sync.Mutex // guards all below
	config  *Config
	version string               // of the source that config was compiled from
	own     map[string]versioned // of namespaces
	apps    map[types.NamespacedName]*known
}

// known is what is remembered of an Application.
type known struct {
	moments []moment // that were not evaluated yet, the oldest first
	seen    string   // the versions of what was evaluated last
	found   Found
	marks   string // of what was found
	told    string // mistakes that were told of
	again   bool   // it is to be looked at again, for what was to be written was not
}

// A moment is an Application as it was.
type moment struct {
	app    *api.Application
	opened *Opened
}

// maxMoments bounds what is remembered of an Application between two passes.
const maxMoments = 8

// New returns a Notifier that sends once it runs.
func New(options Options) *Notifier {
	quiet()
	n := &Notifier{Options: options, own: map[string]versioned{}, apps: map[types.NamespacedName]*known{}}
	n.post = newPost((&sender{timeout: sendTimeout}).send, n.outcome)
	return n
}

// Run sends what is to be sent until ctx ends, and for a moment longer.
func (n *Notifier) Run(ctx context.Context) error { return n.post.run(ctx, n.tick) }

// Waiting is how many messages wait to be sent.
func (n *Notifier) Waiting() int { return n.post.waiting() }

// Mistakes is how much of the configuration could not be read.
func (n *Notifier) Mistakes() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.config == nil {
		return 0
	}
	return len(n.config.Mistakes)
}

func nameOf(app *api.Application) types.NamespacedName {
	return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
}

func (n *Notifier) mine(app types.NamespacedName) bool { return n.Mine == nil || n.Mine(app) }

// of returns what is remembered of an Application. The caller holds mu.
func (n *Notifier) of(app types.NamespacedName) *known {
	k := n.apps[app]
	if k == nil {
		k = &known{}
		n.apps[app] = k
	}
	return k
}

// Turned is told of an Application as it was known, and as it is, and remembers what the
// next turn may overwrite. It does not block.
func (n *Notifier) Turned(was, now *api.Application) {
	opened := opens(was, now)
	if opened == nil && !turns(was, now) || !n.mine(nameOf(now)) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.of(nameOf(now))
	k.moments = append(k.moments, moment{now, opened})
	if extra := len(k.moments) - maxMoments; extra > 0 {
		k.moments = slices.Delete(k.moments, 0, extra)
	}
}

// turns says that an operation has begun or ended, or that the Application is to go.
func turns(was, now *api.Application) bool {
	a, b := was.Status.OperationState, now.Status.OperationState
	return b != nil && (a == nil || a.Phase != b.Phase || !a.StartedAt.Equal(&b.StartedAt)) ||
		was.DeletionTimestamp == nil && now.DeletionTimestamp != nil
}

// opens says what waited for a sync window, and does not any more.
func opens(was, now *api.Application) *Opened {
	waits := func(c api.Condition) bool { return c.Type == conditionWindow }
	i := slices.IndexFunc(was.Status.Conditions, waits)
	if i < 0 || slices.ContainsFunc(now.Status.Conditions, waits) {
		return nil
	}
	c := was.Status.Conditions[i]
	o := &Opened{Waited: c.Message}
	if c.LastTransitionTime != nil {
		o.Since = c.LastTransitionTime.Time
	}
	return o
}

// Wants says whether anybody is to be told what was found out of an Application, of
// which marks tell one state from another. Who asks is taken to go on and find it out.
func (n *Notifier) Wants(app *api.Application, marks string) bool {
	if !n.mine(nameOf(app)) || !n.subscribed(app) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.of(nameOf(app))
	if k.marks == marks {
		return false
	}
	k.marks = marks
	return marks != ""
}

// Found is told what was found out of an Application.
func (n *Notifier) Found(app *api.Application, found Found) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found.At = n.Now()
	n.of(nameOf(app)).found = found
}

// subscribed says whether anybody may want to be told of an Application.
func (n *Notifier) subscribed(app *api.Application) bool {
	if Subscribes(app.Annotations) || Subscribes(n.ofProject(app)) {
		return true
	}
	source, _ := n.Source()
	return source.ConfigMap["subscriptions"] != "" || n.subscribesItself(app.Namespace)
}

// ofProject are the annotations of an Application's project.
func (n *Notifier) ofProject(app *api.Application) map[string]string {
	p, err := n.Store.Project(app.Spec.ProjectName())
	if err != nil {
		return nil // then it is nobody's
	}
	return p.Annotations
}
