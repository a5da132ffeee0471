package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// asked are the answers of one scene. What several destinations have in common is
// asked about once.
type asked struct {
	*Rehearsal
	mu      sync.Mutex
	answers map[string]func() (Answer, error) // guarded by mu
}

func newAsked(r *Rehearsal) *asked {
	return &asked{Rehearsal: r, answers: map[string]func() (Answer, error){}}
}

func (a *asked) about(ctx context.Context, o *manifest.Object) (Answer, error) {
	a.mu.Lock()
	id := o.Key.String() + " " + o.Hash()
	once, ok := a.answers[id]
	if !ok {
		once = sync.OnceValues(func() (Answer, error) { return a.ask(ctx, o) })
		a.answers[id] = once
	}
	a.mu.Unlock()
	answer, err := once()
	answer.Object = o
	return answer, err
}

// ask is a dry run of one object.
func (r *Rehearsal) ask(ctx context.Context, o *manifest.Object) (Answer, error) {
	if c := r.stage.custom[o.Key.GroupKind()]; c != nil && c.err != nil {
		return Answer{Unasked: true}, nil //nolint:nilerr // told where the definition is asked about
	}
	kind, ok := r.kindOf(o.GVK())
	if !ok {
		return Answer{Refusals: []Refusal{r.unserved(o)}}, nil
	}
	q := request{kind: kind, name: o.Key.Name, dry: true, validation: metav1.FieldValidationStrict}
	if kind.namespaced {
		if q.namespace = o.Key.Namespace; q.namespace == "" {
			q.namespace = metav1.NamespaceDefault
		}
	}
	var err error
	if q.body, err = bodyOf(o, q.namespace); err != nil {
		return Answer{}, err
	}
	if err = r.try(ctx, o, q); o.Key.Group == "" && o.Key.Kind == "Pod" {
		err = r.again(ctx, err, func() error { return r.try(ctx, o, q) })
	}
	if o.Key.GroupKind() == definitionKind && err == nil {
		if c := r.stage.custom[o.Defines()]; c != nil && c.err != nil {
			return Answer{Refusals: []Refusal{{Path: "spec.names", Message: c.err.Error()}}}, nil //nolint:nilerr // it is the answer
		}
	}
	if err == nil {
		return Answer{}, nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return Answer{}, fmt.Errorf("ask the API server about %s: %w", o.Key, err)
	}
	return Answer{Refusals: refusals(status.Status(), o)}, nil
}

// try sends an object as an agent would. What is on the stage is created, for of what
// is there already a server looks only at what changes.
func (r *Rehearsal) try(ctx context.Context, o *manifest.Object, q request) error {
	switch {
	case lenient(o):
		q.validation = metav1.FieldValidationIgnore
		return r.client.create(ctx, q)
	case o.Key.Name == "" || r.stage.put[o.Key] != nil:
		return r.client.create(ctx, q)
	}
	return r.client.apply(ctx, q)
}

// again tries anew what is forbidden for want of what is on the stage: the priority
// of a Pod, its account, the labels of its namespace. A server learns of these a
// moment after they were applied.
func (r *Rehearsal) again(ctx context.Context, err error, try func() error) error {
	for range 5 {
		if !apierrors.IsForbidden(err) {
			return err
		}
		select {
		case <-time.After(5 * pause):
		case <-ctx.Done():
			return err
		}
		err = try()
	}
	return err
}

// unserved is the refusal of a kind that there is not.
func (r *Rehearsal) unserved(o *manifest.Object) Refusal {
	var versions []string
	if c := r.stage.custom[o.Key.GroupKind()]; c != nil {
		versions = slices.Collect(maps.Keys(c.versions))
	}
	for gvk := range r.served {
		if gvk.GroupKind() == o.Key.GroupKind() {
			versions = append(versions, gvk.Version)
		}
	}
	if len(versions) == 0 {
		return Refusal{Path: "kind", Message: fmt.Sprintf("it serves no kind %s in %s", o.Key.Kind, o.APIVersion())}
	}
	slices.Sort(versions)
	return Refusal{Path: "apiVersion", Message: fmt.Sprintf("it serves %s in %s, not in %s", o.Key.Kind, strings.Join(versions, ", "), o.Version)}
}
