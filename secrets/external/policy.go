package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/redact"
)

// A ref is an object that may be read, whatever its version. Of a
// ServiceAccount it is a token that may be had.
type ref struct{ kind, namespace, name string }

// guard is what the plugin sees of the cluster and of the render: the objects
// that the ExternalSecret and its stores refer to, and no others.
//
//   - A SecretStore and all it refers to lie in the ExternalSecret's namespace.
//   - A ClusterSecretStore must allow that namespace (spec.conditions). What it
//     refers to lies in the namespace it states, and in the ExternalSecret's if
//     it states none.
//   - Templates are read from the ExternalSecret's namespace.
//
// Objects of the same render come before those of the cluster, in the
// ExternalSecret's namespace only: a repository must not stand in for what lies
// elsewhere.
type guard struct {
	namespace string
	cluster   sdk.Objects
	render    manifest.Set

	allowed map[ref]bool
	stores  map[ref]json.RawMessage // and generators

	mu      sync.Mutex // guards the fields below
	shown   []secrets.Value
	refusal error // the first
}

// newGuard reads the stores of s, from which follows what may be read.
func newGuard(ctx context.Context, s *spec, req Request) (*guard, error) {
	g := &guard{
		namespace: req.Object.Key.Namespace, cluster: req.Cluster, render: req.Render,
		allowed: map[ref]bool{}, stores: map[ref]json.RawMessage{},
	}
	for _, from := range s.Target.Template.TemplateFrom {
		if from.ConfigMap != nil {
			g.allowed[ref{"ConfigMap", g.namespace, from.ConfigMap.Name}] = true
		}
		if from.Secret != nil {
			g.allowed[ref{"Secret", g.namespace, from.Secret.Name}] = true
		}
	}
	for _, from := range s.DataFrom {
		if generator := from.generator(); generator != nil {
			if err := g.admitGenerator(ctx, *generator); err != nil {
				return nil, fmt.Errorf("generator %s %q: %w", generator.Kind, generator.Name, err)
			}
		}
	}
	stores, err := s.stores()
	if err != nil {
		return nil, err
	}
	for _, store := range stores {
		if err := g.admit(ctx, store); err != nil {
			return nil, fmt.Errorf("%s %q: %w", store.Kind, store.Name, err)
		}
	}
	return g, nil
}

// admit reads a store, checks that it may be used from here, and allows what it
// refers to.
func (g *guard) admit(ctx context.Context, store storeRef) error {
	raw, err := g.readStore(ctx, store)
	if err != nil {
		return err
	}
	var body struct {
		Spec storeSpec `json:"spec"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if body.Spec.Controller != "" {
		return fmt.Errorf("%w: it is for the controller %q (spec.controller)", ErrRefused, body.Spec.Controller)
	}
	cluster := store.Kind == clusterStoreKind
	if cluster {
		if err := body.Spec.allows(ctx, g.cluster, g.namespace); err != nil {
			return err
		}
	}
	refs, err := references(body.Spec.Provider, g.namespace, cluster)
	if err != nil {
		return err
	}
	for _, r := range refs {
		g.allowed[r] = true
	}
	g.stores[g.storeKey(store.Kind, store.Name)] = raw
	return nil
}

func (g *guard) storeKey(kind, name string) ref {
	if kind == clusterStoreKind {
		return ref{kind, "", name}
	}
	return ref{kind, g.namespace, name}
}

// readStore takes the store of the render before the cluster's.
func (g *guard) readStore(ctx context.Context, store storeRef) (json.RawMessage, error) {
	at := g.storeKey(store.Kind, store.Name)
	for _, o := range g.render {
		// A renderer may have given a ClusterSecretStore a namespace.
		if IsStore(o) && o.Key.Kind == at.kind && o.Key.Name == at.name && (at.namespace == "" || o.Key.Namespace == at.namespace) {
			return o.JSON(), nil
		}
	}
	raw, err := g.read(ctx, group+"/v1", at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: neither this render nor the cluster has it", err)
	}
	return raw, err
}

func (g *guard) read(ctx context.Context, apiVersion string, r ref) (json.RawMessage, error) {
	if g.cluster == nil {
		return nil, fmt.Errorf("%s %s/%s: %w: there is no cluster to ask", r.kind, r.namespace, r.name, fs.ErrNotExist)
	}
	return g.cluster.Get(ctx, apiVersion, r.kind, r.namespace, r.name)
}

// Get implements [sdk.Objects].
func (g *guard) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	at := ref{kind, namespace, name}
	if store, ok := g.stores[at]; ok {
		return store, nil
	}
	if !g.allowed[at] || apiVersion != "v1" {
		return nil, g.refuse("%s %s %s/%s: the ExternalSecret and its store do not refer to it", apiVersion, kind, namespace, name)
	}
	raw, values, err := g.find(ctx, at)
	g.show(values...)
	return raw, err
}

// show notes what the plugin was shown, so that its errors can be redacted.
func (g *guard) show(values ...secrets.Value) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shown = append(g.shown, values...)
}

// refuse notes and returns an ErrRefused: the plugin may wrap it in anything.
func (g *guard) refuse(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
	if g.refusal == nil {
		g.refusal = err
	}
	return err
}

// find returns a Secret or ConfigMap, and the values of the former.
func (g *guard) find(ctx context.Context, at ref) (json.RawMessage, []secrets.Value, error) {
	if at.namespace == g.namespace {
		if o := g.render.Find(manifest.Key{Kind: at.kind, Namespace: at.namespace, Name: at.name}); o != nil {
			return o.Reveal(), values(o.Data()), nil
		}
	}
	raw, err := g.read(ctx, "v1", at)
	if err != nil || at.kind != "Secret" {
		return raw, nil, err
	}
	var secret struct {
		Data map[string][]byte `json:"data"`
	}
	if err := json.Unmarshal(raw, &secret); err != nil {
		return nil, nil, fmt.Errorf("%w: Secret %s/%s", ErrInvalid, at.namespace, at.name)
	}
	var shown []secrets.Value
	for _, plain := range secret.Data {
		shown = append(shown, secrets.New(plain))
	}
	return raw, shown, nil
}

func values(data map[string]secrets.Value) []secrets.Value {
	var out []secrets.Value
	for _, value := range data {
		out = append(out, value)
	}
	return out
}

// Token implements [sdk.Objects].
func (g *guard) Token(ctx context.Context, namespace, serviceAccount string, audiences []string) (sdk.Material, error) {
	switch {
	case !g.allowed[ref{"ServiceAccount", namespace, serviceAccount}]:
		return nil, g.refuse("a token of ServiceAccount %s/%s: the store does not refer to it", namespace, serviceAccount)
	case g.cluster == nil:
		return nil, g.refuse("a token of ServiceAccount %s/%s: there is no cluster to ask", namespace, serviceAccount)
	}
	token, err := g.cluster.Token(ctx, namespace, serviceAccount, audiences)
	g.show(secrets.New(token))
	return token, err
}

// clean returns an error of the plugin without what it was shown; or, if
// something was refused, that.
func (g *guard) clean(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.refusal != nil {
		return g.refusal
	}
	return redact.New(g.shown...).Error(err)
}

// references lists what a store's provider refers to. Providers name objects in
// three forms, external-secrets' own selector types, and these are found by
// their shape: SecretKeySelector {name, key, namespace}, CAProvider {type, name,
// key, namespace} and ServiceAccountSelector {name, audiences, namespace}, the
// last under a field that is called after it.
func references(provider map[string]any, namespace string, cluster bool) ([]ref, error) {
	var refs []ref
	var walk func(field string, node any) error
	walk = func(field string, node any) error {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				if err := walk(field, item); err != nil {
					return err
				}
			}
		case map[string]any:
			if name, _ := node["name"].(string); name != "" {
				stated, _ := node["namespace"].(string)
				if stated != "" && stated != namespace && !cluster {
					return fmt.Errorf("%w: %s refers to namespace %q: a %s reads its own namespace only", ErrRefused, field, stated, storeKind)
				}
				if stated == "" {
					stated = namespace
				}
				refs = append(refs, ref{refKind(field, node), stated, name})
			}
			for key, item := range node {
				if err := walk(key, item); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return refs, walk("provider", provider)
}

func refKind(field string, node map[string]any) string {
	switch {
	case strings.Contains(strings.ToLower(field), "serviceaccount"):
		return "ServiceAccount"
	case node["type"] == "ConfigMap":
		return "ConfigMap"
	}
	return "Secret"
}
