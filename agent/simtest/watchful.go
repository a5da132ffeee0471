package simtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A watchman sees every write in the order in which the server takes them, and
// says which property one breaks. It runs under the server's lock, so what it
// knows of the cluster it has seen itself.
type watchman struct {
	w     *world
	slack time.Duration // how far behind the engine's picture of the cluster may be

	// unheard is how long the engine may not have heard that an object was handed
	// over: an apply, unlike a deletion, does not ask whose an object is by now.
	unheard time.Duration
	handed  map[manifest.Key]time.Time // when somebody else made an object another's

	live    map[manifest.Key]*kube.Object
	apps    map[string]*api.Application // as they are stored
	settled map[manifest.Key]time.Time  // when an object was last as it should be
	applied map[manifest.Key]time.Time  // when the engine wrote it
	made    map[string]int              // runs of hooks, by object and mark
	begun   map[string]int              // operations that somebody asked for, by their note
	hooks   map[string]time.Time        // when a hook was last made, by application, type and name
}

func newWatchman(w *world, slack time.Duration) *watchman {
	return &watchman{
		w: w, slack: slack, unheard: time.Minute, handed: map[manifest.Key]time.Time{}, live: map[manifest.Key]*kube.Object{}, apps: map[string]*api.Application{}, settled: map[manifest.Key]time.Time{}, applied: map[manifest.Key]time.Time{},
		made: map[string]int{}, begun: map[string]int{}, hooks: map[string]time.Time{},
	}
}

func keyOf(o *kube.Object) manifest.Key {
	return manifest.Key{Group: o.Group, Kind: o.Kind.Kind, Namespace: o.Namespace, Name: o.Name}
}

// changed is told of every write.
func (m *watchman) changed(c kube.Change) {
	o := c.After
	if o == nil {
		o = c.Before
	}
	key := keyOf(o)
	if key.Kind == "Lease" {
		return // replicas' own
	}
	ours := c.By == agentName
	m.w.story.tell("cluster", "%s %s by %s%s", c.Verb, key, c.By, state(c))
	switch {
	case key.Kind == "Application" && key.Group == "argoproj.io":
		m.application(c)
	case ours && c.Verb == "delete":
		m.deletion(c.Before)
	case ours && (c.Verb == "create" || c.Verb == "update"):
		m.write(c)
	}
	if c.Verb == "delete" {
		return
	}
	m.note(key, c)
	if !ours && c.After != nil && (c.Before == nil || ownerOf(c.Before) != ownerOf(c.After)) {
		m.handed[key] = time.Now()
	}
	if ours && c.After != nil {
		m.applied[key] = time.Now()
	}
}

// note keeps what is live, and since when it is settled no more.
func (m *watchman) note(key manifest.Key, c kube.Change) {
	if old := m.live[key]; old != nil && settles(old) {
		m.settled[key] = time.Now()
	}
	if c.After == nil {
		delete(m.live, key)
		return
	}
	m.live[key] = c.After
	if settles(c.After) {
		m.settled[key] = time.Now()
	}
}

// settles says that a wave need not wait for an object.
func settles(o *kube.Object) bool { return health.Of(o.Body, nil).Settled() }

// settledSince says that an object was as it should be at some time since t.
func (m *watchman) settledSince(key manifest.Key, t time.Time) bool {
	if o := m.live[key]; o != nil && settles(o) {
		return true
	}
	return !m.settled[key].Before(t)
}

// A state is what an object has come to, worded when somebody reads it.
type state kube.Change

func (c state) String() string {
	if c.After == nil || c.Verb == "delete" {
		return ""
	}
	if c.After.Kind.Kind != "Application" {
		return fmt.Sprintf(": %s", health.Of(c.After.Body, nil).Code)
	}
	app := asApplication(c.After)
	text := fmt.Sprintf(": %s %s", app.Status.Sync.Status, app.Status.Health.Status)
	if op := app.Status.OperationState; op != nil {
		text += fmt.Sprintf(", operation of %d.%d %s %q", op.StartedAt.Unix()%1_000_000, op.RetryCount, op.Phase, op.Message)
	}
	return text + fmt.Sprintf(" %v", app.Status.Conditions)
}

// annotation reads one of an object.
func annotation(o *kube.Object, name string) string {
	meta, _ := o.Body["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	text, _ := annotations[name].(string)
	return text
}

func label(o *kube.Object, name string) string {
	meta, _ := o.Body["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	text, _ := labels[name].(string)
	return text
}

// ownerOf names the application whose object this is: by a tracking id that names
// this very object; a definition by its label. The words are the watchman's own,
// not the engine's.
func ownerOf(o *kube.Object) string {
	if o.Kind.Kind == "CustomResourceDefinition" {
		return label(o, api.LabelApp)
	}
	app, rest, _ := strings.Cut(annotation(o, api.AnnotationTrackingID), ":")
	want := o.Group + "/" + o.Kind.Kind + ":" + o.Namespace + "/" + o.Name
	if o.Namespace == "" {
		want = o.Group + "/" + o.Kind.Kind + ":shop/" + o.Name
	}
	if rest != want {
		return ""
	}
	return app
}

func isHook(o *kube.Object) bool { return annotation(o, api.AnnotationHook) != "" }

// statedAsHook says that Git states a hook.
func statedAsHook(o *manifest.Object) bool { return o.Annotations[api.AnnotationHook] != "" }

// stored returns an Application as it is stored, or nil.
func (m *watchman) stored(name string) *api.Application { return m.apps[name] }

// deletion checks that the engine may delete an object.
func (m *watchman) deletion(o *kube.Object) {
	owner := ownerOf(o)
	app := m.stored(owner)
	if owner == "" || app == nil {
		m.w.fail("it deletes %s, which is not its own (tracked by %q)", keyOf(o), annotation(o, api.AnnotationTrackingID))
		return
	}
	if isHook(o) && annotation(o, api.AnnotationOperation) != "" {
		return
	}
	options := api.ParseSyncOptions(annotation(o, api.AnnotationSyncOptions))
	if app.DeletionTimestamp != nil {
		if options.Has(api.SyncOptionDeleteFalse) {
			m.w.fail("it deletes %s with its Application, which says Delete=false", keyOf(o))
		}
		return
	}
	op := app.Status.OperationState
	if !runs(op) {
		m.w.fail("it deletes %s, and no operation runs", keyOf(o))
		return
	}
	set, err := m.w.git.set(app, op.SyncResult.Revision)
	if err != nil {
		m.w.fail("the operation is for %q: %v", op.SyncResult.Revision, err)
		return
	}
	desired := set.Find(keyOf(o))
	switch {
	case desired != nil && statedAsHook(desired): // it became a hook, and clears its own way
	case desired != nil && api.ParseSyncOptions(desired.Annotations[api.AnnotationSyncOptions]).Has(api.SyncOptionForce):
	case desired != nil:
		m.w.fail("it deletes %s, which Git states at %.7s", keyOf(o), op.SyncResult.Revision)
	case !op.Operation.Sync.Prune:
		m.w.fail("it deletes %s in an operation without prune", keyOf(o))
	case options.Has(api.SyncOptionPruneFalse):
		m.w.fail("it deletes %s, which says Prune=false", keyOf(o))
	case len(set) == 0:
		m.w.fail("it deletes %s for Git states nothing at all", keyOf(o))
	}
}

// runs says that an operation is under way; one that somebody wants to end is
// until the engine has heard of it.
func runs(op *api.OperationState) bool {
	return op != nil && (op.Phase == api.OperationRunning && op.FinishedAt == nil || op.Phase == api.OperationTerminating)
}

// write checks what the engine writes of an Application's objects.
func (m *watchman) write(c kube.Change) {
	o := c.After
	owner := ownerOf(o)
	app := m.stored(owner)
	if owner == "" || app == nil || ends(c) {
		return // a project, a namespace of nobody, or a finalizer let go
	}
	if o.Deleting() {
		m.late(o)
		return
	}
	if c.Before != nil && !isHook(o) {
		if was := ownerOf(c.Before); was != "" && was != owner && time.Since(m.handed[keyOf(o)]) > m.unheard {
			m.w.fail("it takes %s from application %s for %s", keyOf(o), was, owner)
		}
	}
	mark := annotation(o, api.AnnotationOperation)
	if mark != "" && c.Before != nil && annotation(c.Before, api.AnnotationOperation) == mark {
		return // let go of, or applied again by a process that did not know
	}
	op := app.Status.OperationState
	if !runs(op) {
		m.w.fail("it writes %s, and no operation is stored that runs", keyOf(o))
		return
	}
	set, err := m.w.git.set(app, op.SyncResult.Revision)
	if err != nil {
		m.w.fail("the operation is for %q: %v", op.SyncResult.Revision, err)
		return
	}
	if mark != "" {
		m.hook(o, mark, op, owner)
	}
	m.order(op, set, o)
}

// late checks that what is being deleted is left alone, if the engine may have heard
// of that.
func (m *watchman) late(o *kube.Object) {
	meta, _ := o.Body["metadata"].(map[string]any)
	text, _ := meta["deletionTimestamp"].(string)
	if at, err := time.Parse(time.RFC3339, text); err == nil && time.Since(at) > m.unheard {
		m.w.fail("it writes %s, which is being deleted", keyOf(o))
	}
}

// hook checks that a run of a hook begins once.
func (m *watchman) hook(o *kube.Object, mark string, op *api.OperationState, owner string) {
	run := keyOf(o).String() + " " + mark
	if m.made[run]++; m.made[run] > 1 {
		m.w.fail("hook %s runs twice in one try", run)
	}
	if want := fmt.Sprintf("%d.%d.", op.StartedAt.Unix(), op.RetryCount); !strings.HasPrefix(mark, want) {
		m.w.fail("hook %s is not of the operation that is stored, %s", run, want)
	}
	if !withHooks(op.Operation.Sync) {
		m.w.fail("hook %s runs in a partial sync", run)
	}
	moment := mark[strings.LastIndex(mark, ".")+1:]
	m.hooks[owner+" "+moment+" "+o.Name] = time.Now()
}

// moment is where an object stands in a sync: the number of its phase, and wave.
type moment struct{ phase, wave int }

var phaseNumbers = map[string]int{"PreSync": 0, "Sync": 1, "PostSync": 2, "SyncFail": 3}

func (a moment) before(b moment) bool {
	return a.phase < b.phase || a.phase == b.phase && a.wave < b.wave
}

func momentOf(annotations map[string]string, mark string) moment {
	at := moment{1, api.SyncWave(annotations)}
	if mark != "" {
		at.phase = phaseNumbers[mark[strings.LastIndex(mark, ".")+1:]]
	}
	return at
}

// order checks that what comes before an object in a sync is done with.
func (m *watchman) order(op *api.OperationState, set manifest.Set, o *kube.Object) {
	if kind := o.Kind.Kind; kind == "Namespace" || kind == "CustomResourceDefinition" {
		return // they come as early as what needs them
	}
	stated := set.Find(keyOf(o))
	if stated == nil {
		m.w.fail("it writes %s, which Git does not state at %.7s", keyOf(o), op.SyncResult.Revision)
		return
	}
	at := momentOf(stated.Annotations, annotation(o, api.AnnotationOperation))
	if at.phase == phaseNumbers["SyncFail"] {
		return
	}
	since := op.StartedAt.Add(-m.slack)
	for _, before := range set {
		if statedAsHook(before) {
			m.hookDone(op, before, at, o)
			continue
		}
		if !momentOf(before.Annotations, "").before(at) {
			continue
		}
		need := since
		if at := m.applied[before.Key]; at.After(op.StartedAt.Time) {
			need = at
		}
		named := len(op.Operation.Sync.Resources) == 0 || slices.ContainsFunc(op.Operation.Sync.Resources, func(r api.SyncResource) bool {
			return r.Kind == before.Key.Kind && r.Name == before.Key.Name && r.Group == before.Key.Group
		})
		if live := m.live[before.Key]; live == nil && named && m.settled[before.Key].Before(since) {
			m.w.fail("%s (%v) is written before %s is there", keyOf(o), at, before.Key)
		} else if live != nil && !m.settledSince(before.Key, need) {
			m.w.fail("%s (%v) is written before %s is settled", keyOf(o), at, before.Key)
		}
	}
}

// hookDone checks that a hook that comes before has succeeded.
func (m *watchman) hookDone(op *api.OperationState, hook *manifest.Object, at moment, o *kube.Object) {
	if !withHooks(op.Operation.Sync) {
		return
	}
	for _, word := range api.ParseList(hook.Annotations[api.AnnotationHook]) {
		phase, ok := phaseNumbers[word]
		if !ok || !(moment{phase, api.SyncWave(hook.Annotations)}).before(at) {
			continue
		}
		mark := fmt.Sprintf("%d.%d.%s", op.StartedAt.Unix(), op.RetryCount, word)
		if !m.succeeded(op, hook.Key, word, mark) {
			m.w.fail("%s (%v) is written before %s hook %s has succeeded", keyOf(o), at, word, hook.Key)
		}
	}
}

// withHooks says that hooks run in a sync: in one of the whole Application, that
// does not say otherwise.
func withHooks(sync *api.SyncOperation) bool {
	return len(sync.Resources) == 0 && (sync.SyncStrategy == nil || sync.SyncStrategy.Apply == nil)
}

func (m *watchman) succeeded(op *api.OperationState, key manifest.Key, word, mark string) bool {
	for _, r := range op.SyncResult.Resources {
		if r.Kind == key.Kind && r.Name == key.Name && string(r.HookType) == word && r.HookPhase == api.OperationSucceeded {
			return true
		}
	}
	live := m.live[key]
	return live != nil && annotation(live, api.AnnotationOperation) == mark && health.Of(live.Body, nil).Code == api.HealthHealthy
}
