package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
)

// revisionLag is how long the status may name an older commit, if the newer one
// changes nothing that the Application reads. A commit to a repository of a
// thousand Applications would else be a thousand writes.
const revisionLag = time.Minute

// quiet says that the report holds nothing worth a write now.
func (p *pass) quiet() bool {
	if p.app.Annotations[api.AnnotationRefresh] != "" || p.written.ReconciledAt == nil {
		return false
	}
	now, then := p.status.DeepCopy(), p.written.DeepCopy()
	now.ReconciledAt, then.ReconciledAt = nil, nil
	if equality.Semantic.DeepEqual(now, then) {
		return true
	}
	now.Sync.Revision, then.Sync.Revision = "", ""
	now.Sync.Revisions, then.Sync.Revisions = nil, nil
	if !equality.Semantic.DeepEqual(now, then) {
		return false
	}
	rest := p.written.ReconciledAt.Add(revisionLag).Sub(p.now.Time)
	p.soon(rest)
	return rest > 0
}

// served removes the annotation that asked for a refresh.
func (p *pass) served(ctx context.Context) error {
	raw, err := json.Marshal(patch{Metadata: map[string]any{
		"annotations": map[string]any{api.AnnotationRefresh: nil, api.AnnotationRefreshTimestamp: nil},
	}})
	if err != nil {
		return err
	}
	if _, err := p.r.Store.Patch(ctx, p.app.Namespace, p.app.Name, raw); err != nil {
		return fmt.Errorf("remove the refresh annotation of application %s: %w", p.name, err)
	}
	return nil
}
