package reconcile

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/api/equality"
)

// namespaceChanged says that spec.syncPolicy.managedNamespaceMetadata is another
// than that of the last sync, which makes the Application OutOfSync
// (SEMANTICS.md 1.4).
func namespaceChanged(app *api.Application, last *api.OperationState) bool {
	wanted := namespaceMetadata(app)
	if wanted == nil || app.Spec.Destination.Namespace == "" || !app.Spec.SyncPolicy.Options().Has(api.SyncOptionCreateNamespace) {
		return false
	}
	return last != nil && last.SyncResult != nil && !equality.Semantic.DeepEqual(wanted, last.SyncResult.ManagedNamespaceMetadata)
}

// namespaceMetadata is what the Application wants on its namespace, nil if nothing.
func namespaceMetadata(app *api.Application) *api.ManagedNamespaceMetadata {
	if app.Spec.SyncPolicy == nil {
		return nil
	}
	return app.Spec.SyncPolicy.ManagedNamespaceMetadata
}

// bindNamespace records what an operation puts on the namespace. One that does not
// touch it leaves what the last one has recorded.
func (p *pass) bindNamespace(op *api.OperationState) {
	sync := op.Operation.Sync
	if sync.SyncOptions.Has(api.SyncOptionCreateNamespace) && !sync.DryRun {
		op.SyncResult.ManagedNamespaceMetadata = namespaceMetadata(p.app).DeepCopy()
		return
	}
	if last := p.app.Status.OperationState; last != nil && last.SyncResult != nil {
		op.SyncResult.ManagedNamespaceMetadata = last.SyncResult.ManagedNamespaceMetadata
	}
}

// namespaceToMake is the destination's, if the operation has to see to it that it
// is there (sync option CreateNamespace), and Git does not state it; else "".
func (p *pass) namespaceToMake(op *api.OperationState, todo plan.Plan) (string, error) {
	name := p.app.Spec.Destination.Namespace
	if !op.Operation.Sync.SyncOptions.Has(api.SyncOptionCreateNamespace) || name == "" || todo.States(namespaceKey(name)) {
		return "", nil
	}
	if v := p.rules.Object(namespaceKey(name), false, p.to.dest); !v.Allowed {
		return "", fmt.Errorf("%w: %s: %s", ErrNotPermitted, api.SyncOptionCreateNamespace, v.Reason)
	}
	return name, nil
}

// makeNamespace makes the destination's namespace, if it has to.
func (p *pass) makeNamespace(ctx context.Context, op *api.OperationState, todo plan.Plan) error {
	name, err := p.namespaceToMake(op, todo)
	if err != nil || name == "" {
		return err
	}
	return p.apply.EnsureNamespace(ctx, name, namespaceMetadata(p.app))
}

func namespaceKey(name string) manifest.Key { return manifest.Key{Kind: "Namespace", Name: name} }
