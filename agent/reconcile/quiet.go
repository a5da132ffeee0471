package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
)

// Status writes that only name a newer commit are rationed: a commit to a
// repository of a thousand Applications would else be a thousand writes at
// once, for all but those that it touches. What has to wait is spread over
// revisionLag, or over longer where there are so many that they would come at less than
// revisionsApart, and names the newest commit then.
const (
	revisionsAtOnce    = 10
	revisionsPerSecond = 2
	revisionLag        = time.Minute
	revisionsApart     = 20 * time.Millisecond
)

// settle is how long the report of a sync rests while the health of what was
// applied is still about to change: most objects are healthy within it, and one
// write then says all. Until it is written the status says that the operation
// runs, so nothing is lost if the agent dies.
const settle = 100 * time.Millisecond

// hold keeps the report for the next pass, once.
func (p *pass) hold() bool {
	if !p.ended || p.rested || p.status.Health.Status != api.HealthProgressing {
		return false
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.held[p.name] = p.status.DeepCopy()
	p.soon(settle)
	return true
}

// ends says that the last operation has ended, and that this is not stored yet.
func (p *pass) ends() bool {
	last, stored := p.status.OperationState, p.written.OperationState
	return last != nil && last.Phase.Completed() && stored != nil && !stored.Phase.Completed()
}

// conclusion stores the outcome of the last operation, which may have ended in this
// pass or in a report that rests, before another takes its place: somebody may wait
// for it. If that fails, a request for the other waits for the next pass.
func (p *pass) conclusion(ctx context.Context) error {
	if !p.ends() {
		return nil
	}
	taken := p.taken
	p.taken = false
	if err := p.write(ctx); err != nil {
		return err
	}
	p.taken = taken
	return nil
}

// unhold takes a report that rests.
func (r *Reconciler) unhold(name string) *api.ApplicationStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := r.held[name]
	delete(r.held, name)
	return held
}

// quiet says that the report holds nothing worth a write now.
func (p *pass) quiet() bool {
	if p.taken || p.app.Annotations[api.AnnotationRefresh] != "" || p.written.ReconciledAt == nil {
		return false
	}
	now, then := differing(p.status, p.written) // of which only fields of their own are set
	now.ReconciledAt, then.ReconciledAt = nil, nil
	if equality.Semantic.DeepEqual(now, then) {
		return true
	}
	now.Sync.Revision, then.Sync.Revision = "", ""
	now.Sync.Revisions, then.Sync.Revisions = nil, nil
	if !equality.Semantic.DeepEqual(now, then) {
		return false
	}
	lag := p.r.lag(p.name, p.now.Time)
	p.soon(lag)
	return lag > 0
}

// lag is how long the naming of a newer commit has still to wait, 0 if its turn
// is now.
func (r *Reconciler) lag(name string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	due, waits := r.due[name]
	if !waits {
		if r.revisions.AllowN(now, 1) {
			return 0
		}
		behind := time.Duration(len(r.due)) * revisionsApart // of those that wait already
		due = now.Add(max(0, behind-revisionLag) + time.Second + rand.N(revisionLag-time.Second))
		r.due[name] = due
	}
	return max(0, due.Sub(now))
}

// named notes that the status names the newest commit that is known.
func (r *Reconciler) named(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.due, name)
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
