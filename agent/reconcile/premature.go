package reconcile

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// premature is an error for a workload that would restart before what it restarts for
// is applied: its pods would get the old value, and nothing would restart them later.
// What is in a later wave was put there by its author.
func (p *pass) premature(c diff.Change) error {
	why := c.Restarts()
	if why == "" {
		return nil
	}
	for _, key := range p.follows[c.Key] {
		o := p.objects.Find(key)
		if o == nil || api.SyncWave(o.Annotations) > api.SyncWave(c.Desired.Annotations) {
			continue
		}
		only := manifest.Set{o}
		verdict := diff.Compare(p.name, only, p.to.Cluster.Snapshot(p.name, only))[0].Verdict
		if verdict != diff.Same && verdict != diff.Foreign {
			return fmt.Errorf("it %s, and %s is not applied yet: it is left as it is until then", why, key)
		}
	}
	return nil
}
