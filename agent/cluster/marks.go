package cluster

import (
	"context"

	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Marks returns the marks that stand on live workloads (see package rollout), of
// those that there are. It watches their kinds first.
func (c *Cluster) Marks(ctx context.Context, workloads manifest.Set) (map[manifest.Key]string, error) {
	var kinds []schema.GroupVersionKind
	for _, o := range workloads {
		kinds = append(kinds, o.GVK())
	}
	if err := c.Watch(ctx, kinds...); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	marks := map[manifest.Key]string{}
	for _, o := range workloads {
		if live := c.records[o.Key]; live != nil {
			marks[o.Key] = live.Rollout
		}
	}
	return marks, nil
}
