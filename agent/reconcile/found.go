package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// Found is what a pass has found out of an Application before it does anything about
// it, and that its status does not say.
type Found struct {
	// Drifts are objects that somebody has changed or deleted since they were applied.
	Drifts []Difference
	// Restarts are workloads that restart with the next sync, for what they use.
	Restarts []diff.Change
}

// A Finder is told of what passes have found.
type Finder interface {
	// Wants says whether anybody is to be told. Marks tell what was found from what
	// is found another time; they are "" if nothing was.
	Wants(app *api.Application, marks string) bool
	Found(app *api.Application, found Found)
}

// maxFound bounds how many objects are compared field by field, for each costs two
// requests.
const maxFound = 10

// found tells of drift and of restarts, while live objects are as they were found.
func (p *pass) found(ctx context.Context, changes []diff.Change) {
	if p.r.Finder == nil {
		return
	}
	found, drifted := Found{}, []diff.Change{}
	marks := sha256.New()
	for _, c := range changes {
		restarts := c.Restarts() != ""
		if restarts {
			found.Restarts = append(found.Restarts, c)
		} else if p.drifted(c) {
			drifted = append(drifted, c)
		} else {
			continue
		}
		fmt.Fprintln(marks, c, c.Restarts())
		if c.Live != nil {
			fmt.Fprintln(marks, c.Live.UID, c.Live.Digest)
		}
	}
	nothing := len(drifted)+len(found.Restarts) == 0
	if nothing && !p.r.Finder.Wants(p.app, "") || !nothing && !p.r.Finder.Wants(p.app, hex.EncodeToString(marks.Sum(nil))) {
		return
	}
	for _, c := range drifted[:min(len(drifted), maxFound)] {
		found.Drifts = append(found.Drifts, p.r.difference(ctx, &Preview{Ignore: p.ignore, cluster: p.to.Cluster, apply: p.apply}, c))
	}
	p.r.Finder.Found(p.app, found)
}

// drifted says that an object is not as it was applied, at the commits that were
// synced: what a commit changes is no drift.
func (p *pass) drifted(c diff.Change) bool {
	op := p.app.Status.OperationState
	if op == nil || !op.Phase.Completed() || c.Desired == nil || c.Verdict != diff.Drift && c.Verdict != diff.Create {
		return false
	}
	revisions := p.status.Sync.Revisions
	if p.status.Sync.Revision != "" {
		revisions = []string{p.status.Sync.Revision}
	}
	return attempted(p.app, revisions)
}
