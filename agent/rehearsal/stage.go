package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A stage is what has been put on the server for the scene that is asked about.
type stage struct {
	put    needs
	custom map[schema.GroupKind]*custom
	// refused are needs that the server does not take, and why.
	refused map[manifest.Key]error
}

// A custom kind is one that a definition on the stage serves.
type custom struct {
	versions map[string]served
	err      error // why the server does not serve it
}

func newStage() *stage {
	return &stage{needs{}, map[schema.GroupKind]*custom{}, map[manifest.Key]error{}}
}

// enter makes the stage that of a scene: what it does not need goes, what it needs
// comes.
func (r *Rehearsal) enter(ctx context.Context, want needs) error {
	policies := r.hasPolicies()
	if err := r.clear(ctx, want); err != nil {
		return err
	}
	if policies {
		if err := r.awaitPolicies(ctx, false); err != nil {
			return err
		}
	}
	clear(r.stage.refused)
	for rank := range 7 {
		if err := r.bring(ctx, want, rank); err != nil {
			return err
		}
	}
	if r.hasPolicies() {
		return r.awaitPolicies(ctx, true)
	}
	return nil
}

// clear removes what is in the way: policies, and definitions that are not the
// same. Namespaces and the like are of no harm.
func (r *Rehearsal) clear(ctx context.Context, want needs) error {
	all := r.stage.put.ordered()
	for i := len(all) - 1; i >= 0; i-- {
		one := all[i]
		key := one.key()
		next := want[key]
		if next != nil && string(next.body) == string(one.body) {
			continue
		}
		switch {
		case one.gvk.GroupKind() == namespaceKind, one.gvk.GroupKind() == accountKind:
			// A namespace would never end, for no controller is there to empty it. It
			// is applied anew with what it is to be now.
		default:
			kind, ok := r.kindOf(one.gvk)
			if !ok {
				continue
			}
			if err := r.client.remove(ctx, kind, one.namespace, one.name); err != nil {
				return err
			}
			if one.gvk.GroupKind() == definitionKind {
				delete(r.stage.custom, one.defines())
			}
		}
		delete(r.stage.put, key)
	}
	return nil
}

// bring puts what a scene needs of one rank on the stage.
func (r *Rehearsal) bring(ctx context.Context, want needs, rank int) error {
	var todo []*need
	for _, one := range want.ordered() {
		if one.rank == rank && r.stage.put[one.key()] == nil {
			todo = append(todo, one)
		}
	}
	errs := make([]error, len(todo))
	kinds := make([]*custom, len(todo))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, one := range todo {
		g.Go(func() error {
			errs[i] = r.place(gctx, one)
			if errs[i] == nil && one.gvk.GroupKind() == definitionKind {
				kinds[i] = r.establish(gctx, one)
			}
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, one := range todo {
		switch {
		case errs[i] != nil && failing(errs[i]):
			return fmt.Errorf("put %s %s there: %w", one.gvk.Kind, one.name, errs[i])
		case errs[i] != nil: // told where the object is asked about
			r.stage.refused[one.key()] = errs[i]
			if one.gvk.GroupKind() == definitionKind {
				r.stage.custom[one.defines()] = &custom{err: errs[i]}
			}
			continue
		case kinds[i] != nil:
			r.stage.custom[one.defines()] = kinds[i]
		}
		r.stage.put[one.key()] = one
	}
	return nil
}

func (r *Rehearsal) place(ctx context.Context, one *need) error {
	kind, ok := r.kindOf(one.gvk)
	if !ok {
		return errNoKind
	}
	return r.client.apply(ctx, request{kind: kind, namespace: one.namespace, name: one.name, body: one.body, validation: metav1.FieldValidationIgnore})
}

var errNoKind = apierrors.NewNotFound(schema.GroupResource{}, "")

// establish waits until a definition is served, or says why it is not.
func (r *Rehearsal) establish(ctx context.Context, one *need) *custom {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(one.body, &crd); err != nil {
		return &custom{err: err}
	}
	c := &custom{versions: map[string]served{}}
	for _, v := range crd.Spec.Versions {
		if v.Served {
			c.versions[v.Name] = served{
				schema.GroupVersionResource{Group: crd.Spec.Group, Version: v.Name, Resource: crd.Spec.Names.Plural},
				crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
			}
		}
	}
	if err := r.client.until(ctx, func(ctx context.Context) bool {
		c.err = r.unaccepted(ctx, crd.Name)
		return c.err != nil || r.answers(ctx, c.versions)
	}); err != nil && c.err == nil {
		c.err = fmt.Errorf("the API server does not come to serve %s: %w", crd.Name, err)
	}
	return c
}

// unaccepted says why the server takes a definition and does not serve its kind.
func (r *Rehearsal) unaccepted(ctx context.Context, name string) error {
	kind, _ := r.kindOf(definitionKind.WithVersion("v1"))
	var live apiextensionsv1.CustomResourceDefinition
	if r.client.get(ctx, kind, name, &live) != nil {
		return nil //nolint:nilerr // to be asked again
	}
	for _, c := range live.Status.Conditions {
		if c.Type == apiextensionsv1.NamesAccepted && c.Status == apiextensionsv1.ConditionFalse {
			return errors.New(c.Message)
		}
	}
	return nil
}

// answers says whether all versions are served: conditions say so a little before.
func (r *Rehearsal) answers(ctx context.Context, versions map[string]served) bool {
	for _, kind := range versions {
		kind.namespaced = false // of all namespaces
		if r.client.rest.Get().AbsPath(kind.collection("")).Param("limit", "1").Do(ctx).Error() != nil {
			return false
		}
	}
	return true
}

// kindOf finds how a kind is reached.
func (r *Rehearsal) kindOf(gvk schema.GroupVersionKind) (served, bool) {
	if kind, ok := r.served[gvk]; ok {
		return kind, true
	}
	if c := r.stage.custom[gvk.GroupKind()]; c != nil {
		kind, ok := c.versions[gvk.Version]
		return kind, ok && c.err == nil
	}
	return served{}, false
}

func (n *need) key() manifest.Key {
	return manifest.Key{Group: n.gvk.Group, Kind: n.gvk.Kind, Namespace: n.namespace, Name: n.name}
}

// defines is the kind of a definition.
func (n *need) defines() schema.GroupKind {
	var crd struct {
		Spec struct {
			Group string
			Names struct{ Kind string }
		}
	}
	if json.Unmarshal(n.body, &crd) != nil {
		return schema.GroupKind{}
	}
	return schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
}

func (r *Rehearsal) hasPolicies() bool {
	for one := range maps.Values(r.stage.put) {
		if one.gvk.GroupKind() == policyKind {
			return true
		}
	}
	return false
}
