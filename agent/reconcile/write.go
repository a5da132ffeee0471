package reconcile

import (
	"context"
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/window"
	"k8s.io/apimachinery/pkg/api/equality"
)

// A Store reads and patches Applications, and reads AppProjects.
type Store interface {
	// Application returns what is known of one, or nil.
	Application(namespace, name string) *api.Application
	// List returns all, which must not be changed.
	List() []*api.Application
	// Project returns an AppProject of the agent's namespace.
	Project(name string) (*api.AppProject, error)
	// Rules returns the rules of an AppProject of the agent's namespace.
	Rules(name string) (*project.Rules, error)
	// Windows returns its sync windows.
	Windows(name string) (*window.Schedule, error)
	// Patch sends a JSON merge patch to an Application and returns what became of it.
	Patch(ctx context.Context, namespace, name string, patch []byte) (*api.Application, error)
}

// patch is a JSON merge patch of an Application.
type patch struct {
	Metadata  map[string]any  `json:"metadata,omitempty"`
	Status    json.RawMessage `json:"status,omitempty"`
	Operation json.RawMessage `json:"operation,omitempty"`
}

// statusPatch returns the merge patch from one status to another; nil if they
// are equal. Only what differs is worded, for most of a status seldom does.
func statusPatch(from, to *api.ApplicationStatus) (json.RawMessage, error) {
	a, b := differing(*from, *to)
	if equality.Semantic.DeepEqual(a, b) {
		return nil, nil
	}
	before, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode status: %w", err)
	}
	after, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode status: %w", err)
	}
	diff, err := jsonpatch.CreateMergePatch(before, after)
	if err != nil {
		return nil, fmt.Errorf("compare status: %w", err)
	}
	if string(diff) == "{}" {
		return nil, nil
	}
	return diff, nil
}

// differing empties, in both of two statuses, the fields that are large and equal;
// in the one before also the lists that are others now, for a merge patch has all
// of the list that is to be.
func differing(a, b api.ApplicationStatus) (api.ApplicationStatus, api.ApplicationStatus) {
	emptyList(&a.Resources, &b.Resources)
	empty(&a.Sync, &b.Sync)
	emptyList(&a.History, &b.History)
	emptyList(&a.Conditions, &b.Conditions)
	empty(&a.Summary, &b.Summary)
	if empty(&a.OperationState, &b.OperationState); a.OperationState == nil || b.OperationState == nil {
		return a, b
	}
	was, is := *a.OperationState, *b.OperationState
	a.OperationState, b.OperationState = &was, &is
	empty(&was.Operation, &is.Operation)
	if empty(&was.SyncResult, &is.SyncResult); was.SyncResult == nil || is.SyncResult == nil {
		return a, b
	}
	did, does := *was.SyncResult, *is.SyncResult
	was.SyncResult, is.SyncResult = &did, &does
	emptyList(&did.Resources, &does.Resources)
	empty(&did.Source, &does.Source)
	return a, b
}

// empty empties both of two values if they are equal.
func empty[T any](a, b *T) {
	if equality.Semantic.DeepEqual(*a, *b) {
		var nothing T
		*a, *b = nothing, nothing
	}
}

// emptyList is empty of lists, of which the first is emptied if the patch can do
// without.
func emptyList[T any](a, b *[]T) {
	if empty(a, b); len(*a) > 0 && len(*b) > 0 {
		*a = nil
	}
}

// write stores the status that the pass has come to, and makes it the one that
// later writes of the pass are compared with. It clears the request for an
// operation that was taken on.
//
// Nobody may have written meanwhile, for then the pass has worked from what is
// out of date: an operation may have ended, or another been asked for. So it is
// too if the answer to the last write was lost, and the watch has not told yet:
// then even a write of nothing has to prove that what is known is what is stored.
func (p *pass) write(ctx context.Context) error {
	p.discreet()
	changes, err := statusPatch(&p.written, &p.status)
	if err != nil {
		return err
	}
	if changes == nil && !p.taken && !p.r.unproven(p.name) {
		return nil
	}
	body := patch{Status: changes, Metadata: map[string]any{"resourceVersion": p.app.ResourceVersion}}
	if p.taken {
		body.Operation = json.RawMessage("null")
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	now, err := p.r.Store.Patch(ctx, p.app.Namespace, p.app.Name, raw)
	p.r.wrote(p.name, err)
	if err != nil {
		return fmt.Errorf("write the status of application %s: %w", p.name, err)
	}
	p.app.Finalizers, p.app.ResourceVersion = now.Finalizers, now.ResourceVersion
	p.written, p.taken = *p.status.DeepCopy(), false
	return nil
}

// unproven says that the last write to an Application has failed, or seemed to.
func (r *Reconciler) unproven(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubtful[name]
}

// wrote notes the outcome of a write.
func (r *Reconciler) wrote(name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if delete(r.doubtful, name); err != nil {
		r.doubtful[name] = true
	}
}
