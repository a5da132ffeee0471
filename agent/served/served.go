package served

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// Options say how a cluster is asked.
type Options struct {
	// Kept has documents of earlier runs; nil if none are kept.
	Kept Shelf
	// Parallel is how many questions are asked at once; 0 is one.
	Parallel int
}

// A Shelf keeps data from one run to the next.
type Shelf interface {
	Get(key string) ([]byte, bool)
	Put(key string, data []byte)
}

// patience is how long one answer may take.
const patience = 30 * time.Second

// A Cluster is what one serves. It is safe for concurrent use.
type Cluster struct {
	*cluster.Cluster
	host    string
	client  rest.Interface
	options Options
}

// Ask asks a cluster for its version and its kinds.
func Ask(ctx context.Context, cfg *rest.Config, o Options) (*Cluster, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Timeout = patience
	known, err := cluster.New(cfg, slog.New(slog.DiscardHandler), cluster.Listeners{Changed: func(string, bool) {}, Served: func() {}})
	if err != nil {
		return nil, err
	}
	plain := rest.CopyConfig(cfg)
	plain.GroupVersion, plain.APIPath, plain.NegotiatedSerializer = &schema.GroupVersion{}, "/", scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(plain)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	if err := known.Discover(ctx); err != nil {
		return nil, explained(err)
	}
	return &Cluster{known, cfg.Host, client, o}, nil
}

// explained adds to a refusal which right is missing.
func explained(err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%w (it takes the rights of the ClusterRole system:discovery)", err)
	}
	return err
}

// Notes tell what of the cluster is not known.
func (c *Cluster) Notes() []string {
	var notes []string
	for _, group := range c.Silent() {
		notes = append(notes, fmt.Sprintf("the cluster does not say which kinds group %s has (its own API server does not answer): its objects are not compared with a schema", group))
	}
	return notes
}

// Schemas makes a Version of documents of the cluster, which leaves out the kinds that
// something else knows more of.
func (c *Cluster) Schemas(documents []*openapi.Document, known func(schema.GroupKind) bool) *openapi.Version {
	served := openapi.Served{Kinds: map[schema.GroupVersionKind]openapi.Kind{}, Documents: documents, Silent: c.Silent()}
	version, _ := c.Version()
	parts := strings.SplitN(version, ".", 3)
	served.Kubernetes = strings.Join(parts[:min(2, len(parts))], ".")
	for gvk, kind := range c.Kinds() {
		if !known(gvk.GroupKind()) {
			served.Kinds[gvk] = openapi.Kind{Namespaced: kind.Namespaced}
		}
	}
	return served.Version()
}

// used are the kinds of objects that a CustomResourceDefinition of the cluster may
// define: of groups with a dot, as its name in URLs.
func (c *Cluster) used(sets []manifest.Set) []string {
	resources := map[schema.GroupKind]string{}
	for gvk, kind := range c.Kinds() {
		resources[gvk.GroupKind()] = kind.Resource.Resource
	}
	builtin := builtinGroups()
	var names []string
	for _, set := range sets {
		for _, o := range set {
			gk := o.Key.GroupKind()
			plural, ok := resources[gk]
			if ok && strings.Contains(gk.Group, ".") && !builtin(gk.Group) {
				names = append(names, plural+"."+gk.Group)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// builtinGroups are those of the newest Kubernetes that is known.
func builtinGroups() func(string) bool {
	names := openapi.Names()
	newest, err := openapi.Of(names[len(names)-1])
	if err != nil {
		return func(string) bool { return false }
	}
	return newest.HasGroup
}
