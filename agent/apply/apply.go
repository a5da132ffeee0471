// Package apply is the only writer to a destination cluster. Everything it
// sends is a server-side apply under one field manager, or a deletion
// (DESIGN.md D6); everything it learns from the answers goes to agent/cluster.
//
// Start with [Applier.Ask], [Applier.Preflight] and [Applier.Wave].
package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// An Applier writes to one cluster, in one name. It is safe for concurrent use.
type Applier struct {
	client     rest.Interface
	user       string   // in whose name; "" is the agent itself
	self       *Applier // the agent's own
	identities *identities
	cluster    *cluster.Cluster
	log        *slog.Logger
	flight     *limiter
	known      *namespaces
}

// New returns an Applier to the cluster that cfg reaches.
func New(cfg *rest.Config, c *cluster.Cluster, log *slog.Logger) (*Applier, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.GroupVersion = &schema.GroupVersion{}
	cfg.APIPath = "/"
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	flight := newLimiter()
	cfg.Wrap(flight.watched)
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	a := &Applier{
		client: client, cluster: c, log: log, flight: flight, known: &namespaces{},
		identities: &identities{cfg: cfg, by: map[string]*Applier{}},
	}
	a.self = a
	return a, nil
}

// ErrNamespace says that an object of a namespaced kind names no namespace.
var ErrNamespace = errors.New("the object has no namespace")

// A Result is what became of one object.
type Result struct {
	Key     manifest.Key
	Version string
	Code    api.ResultCode
	Message string
	// Err is set if Code is SyncFailed. It holds no secret.
	Err error
}

// apply sends one object and returns the server's answer, and whether the
// server made the object.
func (a *Applier) apply(ctx context.Context, o *manifest.Object, dryRun bool) (answer map[string]any, created bool, err error) {
	if dryRun && a.cluster.Reckons() {
		return a.reckon(ctx, o)
	}
	return a.patchApply(ctx, o, "", dryRun)
}

// patchApply is apply, to the live object of a resourceVersion if one is given.
func (a *Applier) patchApply(ctx context.Context, o *manifest.Object, version string, dryRun bool) (answer map[string]any, created bool, err error) {
	at, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, false, err
	}
	body := o.Reveal()
	if version != "" {
		if body, err = edited(o, func(u *unstructured.Unstructured) { u.SetResourceVersion(version) }); err != nil {
			return nil, false, err
		}
	}
	var status int
	var raw []byte
	err = a.request(ctx, func() error {
		request := a.client.Patch(types.ApplyPatchType).AbsPath(at).
			Param("fieldManager", diff.Manager).Param("force", "true").Body(body)
		if dryRun {
			request = request.Param("dryRun", "All")
		}
		result := request.Do(ctx).StatusCode(&status)
		if err := result.Error(); err != nil { // unlike that of Raw, it has the server's words
			return err
		}
		var err error
		raw, err = result.Raw()
		return err
	})
	if err != nil {
		return nil, false, rejected(o, err)
	}
	if err := utiljson.Unmarshal(raw, &answer); err != nil {
		return nil, false, fmt.Errorf("read the server's answer: %w", err)
	}
	return answer, status == http.StatusCreated, nil
}

// edited returns an object's whole body, changed by edit.
func edited(o *manifest.Object, edit func(*unstructured.Unstructured)) ([]byte, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(o.Reveal()); err != nil {
		return nil, errors.New("encode the object") // the cause may quote a Secret
	}
	edit(u)
	return u.MarshalJSON()
}

// url returns the path of an object.
func (a *Applier) url(ctx context.Context, gvk schema.GroupVersionKind, key manifest.Key) (string, error) {
	kind, err := a.cluster.Kind(ctx, gvk)
	if err != nil {
		return "", err
	}
	r := kind.Resource
	base := path.Join("/apis", r.Group, r.Version)
	if r.Group == "" {
		base = path.Join("/api", r.Version)
	}
	if kind.Namespaced && key.Namespace == "" {
		return "", fmt.Errorf("%w: set metadata.namespace, or the application's spec.destination.namespace", ErrNamespace)
	}
	if err := a.cluster.Bounds().Outside(key.Namespace, kind.Namespaced); err != nil {
		return "", err
	}
	if kind.Namespaced {
		base = path.Join(base, "namespaces", key.Namespace)
	}
	return path.Join(base, r.Resource, key.Name), nil
}

// each runs one for every change, at once, and collects the results in order.
func each(ctx context.Context, changes []diff.Change, one func(context.Context, diff.Change) Result) []Result {
	results := make([]Result, len(changes))
	if len(changes) == 1 {
		results[0] = guarded(ctx, changes[0], one)
		return results
	}
	var g errgroup.Group
	g.SetLimit(most)
	for i, c := range changes {
		g.Go(func() error {
			results[i] = guarded(ctx, c, one)
			return nil
		})
	}
	_ = g.Wait() // the results hold the errors
	return results
}

// Failed returns the results that failed.
func Failed(results []Result) []Result {
	var failed []Result
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, r)
		}
	}
	return failed
}
