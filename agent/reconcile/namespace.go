package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
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
