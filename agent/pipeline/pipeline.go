package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/audit"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"github.com/tidelock-io/tidelock/secrets/resolve"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Keys gives credentials and keys by project; agent/keyring does.
type Keys interface {
	Repo(url, project string) git.Repo
	Registry(url, project string) registry.Repo
	// Named returns the address of the repository of a name.
	Named(name, project string) (url string, ok bool)
	SOPS(project string) []sdk.Key
	// Generation grows when any key has changed.
	Generation() int64
}

// A Destination tells what a renderer and the secrets stage must know of a
// cluster; agent/cluster does.
type Destination interface {
	Version() (version string, apis []string)
	Scope(o *manifest.Object) (namespaced, known bool)
	Serves(gk schema.GroupKind) bool
	// Controlled tells whether the controller of a kind that is served is there, too.
	Controlled(gk schema.GroupKind) bool
	sdk.Objects
}

// A Pipeline renders Applications. Its fields are set once, before the first
// use; it is safe for concurrent use.
type Pipeline struct {
	// Namespace is the agent's own, in which Applications have short names.
	Namespace string
	Git       Commits
	Artifacts Artifacts
	Render    *render.Engine
	Secrets   *resolve.Stage
	Keys      Keys
	// Destination returns the cluster that an Application is for.
	Destination func(app *api.Application) (Destination, error)
	// Permit asks an Application's project about an object.
	Permit func(app *api.Application) func(*manifest.Object) error
	// PermitSource asks an Application's project about the address of a repository
	// that its sources lead to, such as a submodule or a remote base. Without it
	// nothing of the kind is read.
	PermitSource func(app *api.Application) func(url string) error
	NoSubmodules atomic.Bool // whatever is permitted; it may change at any time
	// Look reads objects of the destination, for charts of an Application that allows
	// it; the object is nil if there is none. Without it there is nothing to look at.
	Look func(app *api.Application) func(ctx context.Context, o sdk.Object) (json.RawMessage, error)
	// Verify proves that a commit of a repository is signed as an Application's
	// project demands; with an error, nothing of it is used. Revision is what the
	// Application names: a commit that is chosen by a tag is proven by the tag.
	Verify func(ctx context.Context, app *api.Application, repo git.Repo, revision, sha string) error
	// Vouch asks an Application's project whether it takes what is not in Git, and
	// has no signature.
	Vouch func(app *api.Application, url string) (warning string, err error)
	// Known is told what is secret of each Application; nil if nobody asks it.
	Known *leak.Known
	// Values reads what Applications take from Secrets and ConfigMaps of their own
	// namespaces, and PermitValues asks their projects, without which nothing is read.
	Values       Values
	PermitValues func(app *api.Application) func(kind, name string) error
	// Audit is told of every use of a secret; nil if nobody asks.
	Audit *audit.Trail
	Now   func() time.Time

	mu    sync.Mutex // guards what follows, by Application
	memo  map[string]*memory
	reads map[string][]sdk.Source
}

// A memory is the last outcome for an Application.
type memory struct {
	rendering manifest.Set // as rendered
	basis     string       // what else the outcome depends on
	rendered  *Rendered
	renew     bool // ask the repositories anew
	fresh     bool // and the providers of secrets
}

// Desired renders an Application at revisions, or at what its sources' target
// revisions point at if nil. Objects that did not change are the same pointers
// as before.
func (p *Pipeline) Desired(ctx context.Context, app *api.Application, revisions []string) (out *Rendered, err error) {
	name := api.InstanceName(app.Namespace, app.Name, p.Namespace)
	if p.Audit != nil {
		ctx = audit.With(ctx, p.Audit.Record)
	}
	err = crash.Guard("render", func() (err error) {
		out, err = p.desired(ctx, app, name, revisions)
		return err
	})
	if errors.Is(err, ErrLeak) {
		return nil, err // names the keys, and hides the rest
	}
	return out, p.Known.ErrorOf(name, err)
}

func (p *Pipeline) desired(ctx context.Context, app *api.Application, name string, revisions []string) (*Rendered, error) {
	to, err := p.Destination(app)
	if err != nil {
		return nil, err
	}
	known := p.recall(name)
	beyond := p.remotes(app, known.renew)
	fetching, fetched := trace.Step(ctx, "fetch")
	requests, warnings, err := p.requests(fetching, app, to, name, revisions, beyond)
	if fetched(err); err != nil {
		return nil, err
	}
	step, rendered := trace.Step(ctx, "render")
	rendering, err := p.Render.RenderAll(step, requests)
	rendered(err)
	asked, unreached := beyond.found()
	p.read(name, asked, err != nil)
	if err != nil {
		return nil, err
	}
	basis := p.basis(app, to)
	warnings = append(append(warnings, unreached...), warningsOf(rendering, app.Spec.AllSources())...)
	if known.holds(rendering.Set, basis, p.Now()) {
		same := *known.rendered
		same.Revisions, same.Warnings = commits(requests), append(warnings, same.Warnings...)
		return &same, nil
	}
	resolving, resolved := trace.Step(ctx, "secrets")
	out, err := p.resolve(resolving, app, to, name, rendering, known.fresh)
	if resolved(err); err != nil {
		return nil, err
	}
	if known.rendered != nil {
		out.Set = out.Set.Keep(known.rendered.Set)
	}
	out.Revisions, out.Types, out.Inputs = commits(requests), types(rendering), inputs(rendering)
	p.keep(name, &memory{rendering: rendering.Set, basis: basis, rendered: out})
	with := *out
	with.Warnings = append(warnings, out.Warnings...)
	return &with, nil
}

// requests finds the revision and the tree of every source.
func (p *Pipeline) requests(ctx context.Context, app *api.Application, to Destination, name string, revisions []string, beyond *remotes) ([]render.Request, []Warning, error) {
	sources := app.Spec.AllSources()
	requests := make([]render.Request, len(sources))
	given, err := p.values(ctx, app, sources)
	if err != nil {
		return nil, nil, err
	}
	found := make([]finding, len(sources))
	version, apis := to.Version()
	g, ctx := errgroup.WithContext(ctx)
	for i, source := range sources {
		if len(revisions) == len(sources) {
			source.TargetRevision = revisions[i]
		}
		g.Go(func() (err error) {
			defer crash.Recover(&err, "find the revision")
			from := p.upstream(app, &source)
			if found[i], err = p.find(ctx, app, from, sources[i].Revision(), source.Revision(), beyond.renew); err != nil {
				return err
			}
			requests[i] = render.Request{
				Application: name, Project: app.Spec.ProjectName(), Source: source, Tree: found[i].tree, Revision: found[i].revision,
				Namespace: app.Spec.Destination.Namespace, KubeVersion: version, APIVersions: apis,
				Keys: p.Keys.SOPS(app.Spec.ProjectName()), Remotes: beyond, Chained: api.IsChained(app.Annotations),
				Values: given[i],
			}
			p.lookups(app, &requests[i])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	refer(requests)
	var warnings []Warning
	for _, f := range found {
		warnings = append(warnings, f.warnings...)
	}
	return requests, warnings, nil
}

// lookups lets a source look into the destination, as far as its Application
// allows.
func (p *Pipeline) lookups(app *api.Application, req *render.Request) {
	if req.Lookups = api.Lookups(app.Annotations); p.Look != nil && len(req.Lookups) > 0 {
		req.Lookup = p.Look(app)
	}
}

// resolve places the objects in namespaces, makes Secrets of what stands for
// them, and looks whether a value shows where it must not.
func (p *Pipeline) resolve(ctx context.Context, app *api.Application, to Destination, name string, rendering *render.Rendering, fresh bool) (*Rendered, error) {
	set := rendering.Set
	scopes := set.Scopes()
	placed, err := set.Place(app.Spec.Destination.Namespace, func(o *manifest.Object) (bool, bool) {
		if namespaced, known := to.Scope(o); known {
			return namespaced, known
		}
		return scopes(o)
	})
	if err != nil {
		return nil, err
	}
	placed, repeated := placed.Unique()
	result, err := p.Secrets.Run(ctx, resolve.Application{
		Name: name, Annotations: app.Annotations, Cluster: to, Server: foreign(app), Permit: p.Permit(app), Fresh: fresh, Controlled: to.Controlled,
	}, placed, to.Serves)
	if err != nil {
		p.gate(app, name, rendering.Opened())
		return nil, &Later{err, result.Next}
	}
	if err := leaks(p.gate(app, name, append(rendering.Opened(), resolved(result)...)), result.Set); err != nil {
		return nil, &Later{err, result.Next}
	}
	out := &Rendered{Set: result.Set, Refresh: result.Next, Warnings: repeatedWarnings(repeated, app.Spec.AllSources())}
	out.Repeated = slices.Concat(rendering.Repeated, repeated)
	for _, stale := range result.Stale {
		out.Warnings = append(out.Warnings, Warning{api.ConditionComparisonError, "the last good value is kept: " + stale.Error()})
	}
	for _, left := range result.LeftOut {
		out.Warnings = append(out.Warnings, Warning{api.ConditionExcludedResourceWarning, left.Error()})
	}
	return out, nil
}

// foreign names the cluster of an Application that is not for the agent's own.
func foreign(app *api.Application) string {
	if app.Spec.Destination.IsInCluster() {
		return ""
	}
	return app.Spec.Destination.Name + app.Spec.Destination.Server
}

// Later is an error that may pass by itself, at a known time.
type Later struct {
	Err error
	At  time.Time // zero if unknown
}

// Error is that of the cause.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap returns the cause.
func (l *Later) Unwrap() error { return l.Err }

// Renew makes the next Desired ask the repositories anew; hard drops what was
// rendered and fetched, too.
func (p *Pipeline) Renew(app *api.Application, hard bool) {
	name := api.InstanceName(app.Namespace, app.Name, p.Namespace)
	p.mu.Lock()
	defer p.mu.Unlock()
	next := memory{}
	if known := p.memo[name]; known != nil && !hard {
		next = *known
	}
	next.renew, next.fresh = true, hard
	if hard {
		p.Render.Forget(name)
	}
	p.set(name, &next)
}

// Forget drops what is kept for an Application that is gone.
func (p *Pipeline) Forget(app string) {
	p.Render.Forget(app)
	p.release(app)
	if p.Secrets != nil {
		p.Secrets.Forget(app)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.memo, app)
	delete(p.reads, app)
	if p.Known != nil {
		p.Known.Forget(app)
	}
	if p.Audit != nil {
		p.Audit.Forget(app)
	}
}

// recall returns what is known of an Application, and takes its wish for a
// renewal as granted.
func (p *Pipeline) recall(name string) memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.memo[name]
	if known == nil {
		return memory{}
	}
	was := *known
	granted := was
	granted.renew, granted.fresh = false, false
	p.set(name, &granted)
	return was
}

func (p *Pipeline) keep(name string, m *memory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(name, m)
}

// set stores a memory. The caller holds p.mu.
func (p *Pipeline) set(name string, m *memory) {
	if p.memo == nil {
		p.memo = map[string]*memory{}
	}
	p.memo[name] = m
}

// holds says that the outcome would be the same again.
func (m *memory) holds(set manifest.Set, basis string, now time.Time) bool {
	return m.rendered != nil && !m.fresh && m.basis == basis && slices.Equal(m.rendering, set) &&
		(m.rendered.Refresh.IsZero() || now.Before(m.rendered.Refresh))
}

// basis names what the outcome depends on besides what was rendered.
func (p *Pipeline) basis(app *api.Application, to Destination) string {
	sealed := to.Serves(schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"})
	external := to.Serves(schema.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"})
	controlled := to.Controlled(schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"})
	return fmt.Sprint(p.Keys.Generation(), sealed, controlled, external, app.Spec.Destination, app.Spec.ProjectName(),
		app.Annotations[api.AnnotationSealedSecrets], app.Annotations[api.AnnotationExternalSecrets], app.Annotations[api.AnnotationAllowLeak])
}

func commits(requests []render.Request) []string {
	revisions := make([]string, len(requests))
	for i, r := range requests {
		revisions[i] = r.Revision
	}
	return revisions
}

func types(r *render.Rendering) []api.SourceType {
	list := make([]api.SourceType, len(r.Sources))
	for i, s := range r.Sources {
		list[i] = s.SourceType
	}
	return list
}

func inputs(r *render.Rendering) []Inputs {
	list := make([]Inputs, len(r.Sources))
	for i, s := range r.Sources {
		list[i] = Inputs{s.Inputs, s.Mounts, s.Lookups, s.Values}
	}
	return list
}
