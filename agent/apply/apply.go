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
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// inFlight bounds the requests that are under way at once, of all Applications.
// The API server gains little beyond it (DRIFT.md, numbers).
const inFlight = 24

// An Applier writes to one cluster. It is safe for concurrent use.
type Applier struct {
	client  rest.Interface
	cluster *cluster.Cluster
	log     *slog.Logger
	slots   chan struct{}
	known   namespaces
}

// New returns an Applier to the cluster that cfg reaches.
func New(cfg *rest.Config, c *cluster.Cluster, log *slog.Logger) (*Applier, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.GroupVersion = &schema.GroupVersion{}
	cfg.APIPath = "/"
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return &Applier{client: client, cluster: c, log: log, slots: make(chan struct{}, inFlight)}, nil
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
	url, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, false, err
	}
	if err := a.acquire(ctx); err != nil {
		return nil, false, err
	}
	defer a.release()
	request := a.client.Patch(types.ApplyPatchType).AbsPath(url).
		Param("fieldManager", diff.Manager).Param("force", "true").Body(o.Reveal())
	if dryRun {
		request = request.Param("dryRun", "All")
	}
	var status int
	result := request.Do(ctx).StatusCode(&status)
	if err := result.Error(); err != nil { // unlike that of Raw, it has the server's words
		return nil, false, rejected(o, err)
	}
	raw, err := result.Raw()
	if err != nil {
		return nil, false, fmt.Errorf("read the server's answer: %w", err)
	}
	if err := utiljson.Unmarshal(raw, &answer); err != nil {
		return nil, false, fmt.Errorf("read the server's answer: %w", err)
	}
	return answer, status == http.StatusCreated, nil
}

func (a *Applier) acquire(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Applier) release() { <-a.slots }

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
	if kind.Namespaced {
		base = path.Join(base, "namespaces", key.Namespace)
	}
	return path.Join(base, r.Resource, key.Name), nil
}

// each runs one for every change, at once, and collects the results in order.
func each(ctx context.Context, changes []diff.Change, one func(context.Context, diff.Change) Result) []Result {
	results := make([]Result, len(changes))
	var g errgroup.Group
	g.SetLimit(inFlight)
	for i, c := range changes {
		g.Go(func() error {
			results[i] = one(ctx, c)
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
