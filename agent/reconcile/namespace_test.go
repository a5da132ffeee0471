package reconcile

import (
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// Another metadata of the namespace is a reason to sync all, once, even at a
// revision that was synced (SEMANTICS.md 1.4).
func TestNamespaceChanged(t *testing.T) {
	red := &api.ManagedNamespaceMetadata{Labels: map[string]string{"colour": "red"}}
	blue := &api.ManagedNamespaceMetadata{Labels: map[string]string{"colour": "blue"}}
	for _, tt := range []struct {
		name           string
		wanted, synced *api.ManagedNamespaceMetadata
		options        api.SyncOptions
		want           string
	}{
		{"as it was synced", red, red, api.SyncOptions{api.SyncOptionCreateNamespace}, "no"},
		{"another", blue, red, api.SyncOptions{api.SyncOptionCreateNamespace}, "full"},
		{"the first", red, nil, api.SyncOptions{api.SyncOptionCreateNamespace}, "full"},
		{"none any more", nil, red, api.SyncOptions{api.SyncOptionCreateNamespace}, "no"},
		{"without CreateNamespace", blue, red, nil, "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := appWith(api.Automated{}, api.OperationSucceeded, 0, time.Hour)
			app.Spec.Destination.Namespace = "shop"
			app.Spec.SyncPolicy.SyncOptions = tt.options
			app.Spec.SyncPolicy.ManagedNamespaceMetadata = tt.wanted
			app.Status.OperationState.SyncResult.ManagedNamespaceMetadata = tt.synced
			if got := text(autoSync(app, changesOf(diff.Same), nil, []string{"one"}, at, time.Minute)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// An operation that does not touch the namespace records what the last one did.
func TestBindNamespace(t *testing.T) {
	red := &api.ManagedNamespaceMetadata{Labels: map[string]string{"colour": "red"}}
	blue := &api.ManagedNamespaceMetadata{Labels: map[string]string{"colour": "blue"}}
	for _, tt := range []struct {
		name string
		sync api.SyncOperation
		want string
	}{
		{"a sync", api.SyncOperation{SyncOptions: api.SyncOptions{api.SyncOptionCreateNamespace}}, "blue"},
		{"a dry run", api.SyncOperation{DryRun: true, SyncOptions: api.SyncOptions{api.SyncOptionCreateNamespace}}, "red"},
		{"without CreateNamespace", api.SyncOperation{}, "red"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := appWith(api.Automated{}, api.OperationSucceeded, 0, time.Hour)
			app.Spec.SyncPolicy.ManagedNamespaceMetadata = blue
			app.Status.OperationState.SyncResult.ManagedNamespaceMetadata = red
			op := &api.OperationState{Operation: api.Operation{Sync: &tt.sync}, SyncResult: &api.SyncResult{}}
			(&pass{app: app}).bindNamespace(op)
			if got := op.SyncResult.ManagedNamespaceMetadata.Labels["colour"]; got != tt.want {
				t.Errorf("records %s, want %s", got, tt.want)
			}
		})
	}
}
