package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/git/signature"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/audit"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"github.com/tidelock-io/tidelock/secrets/resolve"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// An engine is what looks at Applications: the same for the agent, which acts on
// what it sees, and for the commands that only show it.
type engine struct {
	namespace string // the agent's
	log       *slog.Logger
	store     reconcile.Store
	cluster   *cluster.Cluster // the agent's own
	apply     *apply.Applier   // which writes to it
	keys      access
	git       *git.Store
	artifacts *registry.Store
	host      *plugins
	known     *leak.Known
	audit     *audit.Trail // nil for commands
	settings  *settings.Reader
	pipeline  *pipeline.Pipeline
	// destinations are all clusters: before reconciler, what they are to be told of is set
	// in clusters.
	destinations *destinations.Clusters
	clusters     destinations.Config
	// values reads single Secrets and ConfigMaps: the agent follows them.
	values pipeline.Values
	// paced is told of the settings whenever they are looked up; nil for commands.
	paced func(*settings.Settings)

	beside      bool        // another agent, which does the work: see reconcile.Shadow
	reckons     bool        // what others ask the API server for, by dry runs
	impersonate atomic.Bool // whatever argocd-cm says
}

// access gives credentials, what decrypts, and who is trusted to sign.
type access interface {
	pipeline.Keys
	resolve.Keyring
	Controlled(schema.GroupKind) bool
	GPG() *signature.Keyring
	Config(name string) (data map[string]string, version string)
	ClusterSecrets() []keyring.ClusterSecret
	RolloutKey(ctx context.Context) ([]byte, error)
	PreviewRolloutKey(ctx context.Context) ([]byte, error)
}

// renders makes the engine that calls renderers.
func (e *engine) renders() *render.Engine {
	return newRenders(e.host, e.log)
}

// reconciler ties the parts together. What config leaves out is the engine's.
func (e *engine) reconciler(cfg *rest.Config, renders *render.Engine, config reconcile.Config) (*reconcile.Reconciler, error) {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	if e.values == nil {
		e.values = values.Reader{Client: client.CoreV1()}
	}
	if e.apply, err = apply.New(cfg, e.cluster, e.log); err != nil {
		return nil, err
	}
	e.impersonate.Store(config.Impersonate)
	e.settings = settings.NewReader(func() (map[string]string, string) { return e.keys.Config(settings.ConfigMap) }, e.log)
	config.Settings = e.configured
	if e.known != nil {
		config.Redact = e.known.RedactOf
	}
	config.Namespace, config.Store, config.Log, config.Now = e.namespace, e.store, e.log, time.Now
	e.reach(cfg, client)
	config.Destinations = e.destinations
	e.pipeline = &pipeline.Pipeline{
		Namespace: e.namespace, Git: e.git, Artifacts: e.artifacts, Render: renders, Keys: e.keys, Now: time.Now,
		Destination:  e.viewOf,
		Secrets:      newSecretsStage(e.host, e.keys),
		Permit:       e.permit,
		PermitSource: e.permitSource,
		Verify:       e.verify,
		Vouch:        e.vouch,
		Look:         e.look,
		Known:        e.known,
		Values:       e.values,
		PermitValues: e.permitValues,
		Audit:        e.audit,
	}
	config.Pipeline = e.pipeline
	config.Rollouts = &reconcile.Rollouts{Key: e.keys.RolloutKey}
	if config.Onlooker {
		config.Rollouts.Key = e.keys.PreviewRolloutKey
	}
	return reconcile.New(config), nil
}

// configured returns the settings for all Applications, by which the cluster is
// looked at from now on.
func (e *engine) configured() *settings.Settings {
	s := e.settings.Settings()
	e.destinations.Configure(cluster.Rules{Health: s.Health, Installation: s.Installation, Beside: e.marking(s)})
	if e.paced != nil {
		e.paced(s)
	}
	return s
}

// marking is how the agent that this one looks on at marks objects; zero if there is
// none.
func (e *engine) marking(s *settings.Settings) (tracking cluster.Tracking) {
	if e.beside {
		tracking = reconcile.Tracking(s)
		tracking.Reckon = e.reckons
	}
	return tracking
}

// permit asks an Application's project about an object.
func (e *engine) permit(app *api.Application) func(*manifest.Object) error {
	return func(o *manifest.Object) error {
		rules, err := e.store.Rules(app.Spec.ProjectName())
		if err != nil {
			return err
		}
		if v := rules.Object(o.Key, o.Key.Namespace != "", e.destinationOf(app)); !v.Allowed {
			return errors.New(v.Reason)
		}
		return nil
	}
}

// permitSource asks an Application's project about an address that its sources lead
// to. What it returns is kept with the commit, for as long as that is the last one, and
// does not hold the Application.
func (e *engine) permitSource(app *api.Application) func(string) error {
	project := app.Spec.ProjectName()
	return func(url string) error {
		rules, err := e.store.Rules(project)
		if err != nil {
			return err
		}
		if v := rules.Reference(url); !v.Allowed {
			return errors.New(v.Reason)
		}
		return nil
	}
}

// verify asks an Application's project which commits have to be signed, and
// proves that this one is. Without rules nothing is proven.
func (e *engine) verify(ctx context.Context, app *api.Application, repo git.Repo, revision, sha string) error {
	return e.prove(ctx, e.store, app.Spec.ProjectName(), repo, revision, sha)
}

// prove is verify for a project of any store.
func (e *engine) prove(ctx context.Context, projects reconcile.Store, project string, repo git.Repo, revision, sha string) error {
	rules, err := projects.Rules(project)
	if err != nil {
		return err
	}
	integrity, verdict := rules.Integrity(repo.URL)
	switch {
	case !verdict.Allowed:
		return errors.New(verdict.Reason)
	case integrity.Mode == api.GPGModeNone:
		return nil
	}
	return e.git.Verify(ctx, repo, revision, sha, git.Demand{
		Keys: e.keys.GPG().Accept(integrity.Keys), Strict: integrity.Mode == api.GPGModeStrict, By: integrity.By,
	}, time.Now())
}

// vouch asks an Application's project which commits have to be signed, of something
// that is in no Git repository. As in Argo CD, spec.signatureKeys is a demand of
// all sources, which a chart cannot meet, and spec.sourceIntegrity.git one of Git
// repositories, which says nothing of it.
func (e *engine) vouch(app *api.Application, url string) (warning string, err error) {
	rules, err := e.store.Rules(app.Spec.ProjectName())
	if err != nil {
		return "", err
	}
	shown := git.Redact(url)
	switch integrity, verdict := rules.Integrity(url); {
	case !verdict.Allowed:
		return "", errors.New(verdict.Reason)
	case integrity.Mode == api.GPGModeNone:
		return "", nil
	case integrity.GitOnly:
		return fmt.Sprintf("%s demands signatures, which are those of Git: of %s the digest is checked, and no signature", integrity.By, shown), nil
	default:
		return "", fmt.Errorf("%s: %w: %s demands signed commits, and this is in no Git repository: demand them in spec.sourceIntegrity.git, or use a Git repository", shown, git.ErrUnproven, integrity.By)
	}
}

// close ends the plugins and closes the mirrors.
func (e *engine) close() {
	if err := e.host.Close(); err != nil {
		e.log.Warn("end the plugins", "error", err)
	}
	e.artifacts.Close()
	if err := e.git.Close(); err != nil {
		e.log.Warn("close the Git mirrors", "error", err)
	}
}
