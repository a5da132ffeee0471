package served

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tidelock-io/tidelock/render/manifest"
)

const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

// Origin is where the definitions of a cluster are from.
var Origin = manifest.Origin{File: "the cluster"}

// Definitions are the CustomResourceDefinitions of the kinds of some objects. Who may
// not read them is told so: then what the cluster publishes of their schemas counts.
func (c *Cluster) Definitions(ctx context.Context, sets ...manifest.Set) (all manifest.Set, notes []string, err error) {
	names := c.used(sets)
	found, refused := make([]*manifest.Object, len(names)), make([]error, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.options.Parallel))
	for i, name := range names {
		group.Go(func() (err error) {
			found[i], err = c.definition(ctx, name)
			if apierrors.IsForbidden(err) {
				refused[i] = err
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for i, o := range found {
		if o != nil {
			all = append(all, o)
		}
		if refused[i] != nil && len(notes) == 0 {
			notes = append(notes, fmt.Sprintf("rules, patterns and bounds of custom kinds are not looked at, for you may not read CustomResourceDefinitions in the cluster (it takes get on customresourcedefinitions.apiextensions.k8s.io): %v", refused[i]))
		}
	}
	return all, notes, nil
}

// definition reads one; nil if there is none, for another API server has the kind.
func (c *Cluster) definition(ctx context.Context, name string) (*manifest.Object, error) {
	text, err := c.get(ctx, definitionsPath+name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read CustomResourceDefinition %s: %w", name, err)
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("read CustomResourceDefinition %s: %w", name, err)
	}
	o, err := manifest.New(body, Origin)
	if err != nil {
		return nil, fmt.Errorf("read CustomResourceDefinition %s: %w", name, err)
	}
	return o, nil
}
