package stores

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets/external"
)

const (
	group       = "external-secrets.io"
	storeKind   = "SecretStore"
	clusterKind = "ClusterSecretStore"
)

// Check looks at all that one cluster gets. Has says what others are known to make;
// it may be nil.
func Check(ctx context.Context, set manifest.Set, has func(kind schema.GroupKind, namespace, name string) bool) []validate.Problem {
	w := &world{set: set, has: has}
	for _, o := range set {
		if external.IsStore(o) {
			w.stores = append(w.stores, o)
		}
	}
	var all []validate.Problem
	for _, o := range set {
		if external.IsKind(o) {
			all = append(all, w.external(ctx, o)...)
		}
	}
	return append(all, twice(set)...)
}

// A world is what one cluster gets.
type world struct {
	set    manifest.Set
	stores manifest.Set
	has    func(kind schema.GroupKind, namespace, name string) bool
}

// A ref is a reference to a store, and where it stands.
type ref struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	path string
}

type source struct {
	SourceRef struct {
		StoreRef *ref `json:"storeRef"`
	} `json:"sourceRef"`
}

// refs are the stores that an ExternalSecret names.
func refs(o *manifest.Object) []ref {
	var body struct {
		Spec struct {
			Store    *ref     `json:"secretStoreRef"`
			Data     []source `json:"data"`
			DataFrom []source `json:"dataFrom"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON(), &body) != nil {
		return nil // told by its schema
	}
	var all []ref
	add := func(r *ref, path string) {
		if r != nil {
			all = append(all, ref{r.Name, r.Kind, path})
		}
	}
	add(body.Spec.Store, "spec.secretStoreRef")
	for i, s := range body.Spec.Data {
		add(s.SourceRef.StoreRef, fmt.Sprintf("spec.data[%d].sourceRef.storeRef", i))
	}
	for i, s := range body.Spec.DataFrom {
		add(s.SourceRef.StoreRef, fmt.Sprintf("spec.dataFrom[%d].sourceRef.storeRef", i))
	}
	for i := range all {
		if all[i].Kind == "" {
			all[i].Kind = storeKind
		}
	}
	return all
}

func (w *world) external(ctx context.Context, o *manifest.Object) []validate.Problem {
	var all []validate.Problem
	for _, r := range refs(o) {
		if p, ok := w.ref(ctx, o, r); ok {
			p.Object = o
			all = append(all, p)
		}
	}
	return all
}

// ref looks for a store. One that is not here is only told of where any is: the
// others may be a platform's.
func (w *world) ref(ctx context.Context, o *manifest.Object, r ref) (validate.Problem, bool) {
	switch {
	case r.Kind != storeKind && r.Kind != clusterKind:
		return validate.Problem{Rule: validate.RuleStore, Path: r.path + ".kind", Message: fmt.Sprintf("%.60q is neither %s nor %s", r.Kind, storeKind, clusterKind)}, true
	case r.Name == "":
		return validate.Problem{Rule: validate.RuleStore, Path: r.path, Message: "it has no name"}, true
	}
	if store := w.find(r.Kind, o.Key.Namespace, r.Name); store != nil {
		return w.refused(ctx, o, r, store)
	}
	in := o.Key.Namespace
	if r.Kind == clusterKind {
		in = ""
	}
	if len(w.stores) == 0 || w.has != nil && w.has(schema.GroupKind{Group: group, Kind: r.Kind}, in, r.Name) {
		return validate.Problem{}, false
	}
	p := validate.Problem{Rule: validate.RuleStore, Path: r.path + ".name", Message: fmt.Sprintf("there is no %s %s", r.Kind, r.Name)}
	other := storeKind
	if r.Kind == storeKind {
		other = clusterKind
		p.Message += " in namespace " + o.Key.Namespace
	}
	if w.find(other, o.Key.Namespace, r.Name) != nil {
		p.Path, p.Hint = r.path, fmt.Sprintf("there is a %s of this name: say kind: %s", other, other)
		return p, true
	}
	if near := api.Nearest(r.Name, w.names(r.Kind, o.Key.Namespace)); near != "" {
		p.Hint = fmt.Sprintf("did you mean %s?", near)
		return p, true
	}
	p.Rule = validate.RuleStoreUnknown
	p.Message += " in what is rendered for its cluster"
	return p, true
}

// find returns a store, nil if it is not here. A renderer may have given one of the
// cluster a namespace.
func (w *world) find(kind, namespace, name string) *manifest.Object {
	for _, o := range w.stores {
		if o.Key.Kind == kind && o.Key.Name == name && (kind == clusterKind || o.Key.Namespace == namespace) {
			return o
		}
	}
	return nil
}

func (w *world) names(kind, namespace string) []string {
	var all []string
	for _, o := range w.stores {
		if o.Key.Kind == kind && (kind == clusterKind || o.Key.Namespace == namespace) {
			all = append(all, o.Key.Name)
		}
	}
	slices.Sort(all)
	return all
}

// refused says whether a store is not for an ExternalSecret's namespace. Labels of a
// namespace that is not rendered are not known, and nothing is said then.
func (w *world) refused(ctx context.Context, o *manifest.Object, r ref, store *manifest.Object) (validate.Problem, bool) {
	err := external.Admits(ctx, store, namespaces{w.set}, o.Key.Namespace)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return validate.Problem{}, false
	}
	return validate.Problem{
		Rule: validate.RuleStoreRefused, Path: r.path + ".name",
		Message: fmt.Sprintf("%s %s at %s: %v", store.Key.Kind, store.Key.Name, store.Origin, err),
	}, true
}

// namespaces are those that are rendered, as the conditions of stores ask for them.
type namespaces struct{ set manifest.Set }

// Get implements [sdk.Objects].
func (n namespaces) Get(_ context.Context, _, kind, _, name string) (json.RawMessage, error) {
	if o := n.set.Find(manifest.Key{Kind: kind, Name: name}); kind == "Namespace" && o != nil {
		return o.JSON(), nil
	}
	return nil, fs.ErrNotExist
}

// Token implements [sdk.Objects].
func (namespaces) Token(context.Context, string, string, []string) (sdk.Material, error) {
	return nil, fs.ErrNotExist
}
