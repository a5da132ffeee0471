package appset

import (
	"cmp"
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/tidelock-io/tidelock/agent/api"
)

// clusters yields the clusters whose labels match, by their names, and last the agent's
// own, if it has no secret and no selector asks for labels.
func (g *generation) clusters(ctx context.Context, c *api.ClusterGenerator, field string) ([]Params, error) {
	selector, err := metav1.LabelSelectorAsSelector(&c.Selector)
	if err != nil {
		return nil, in(field+".selector", failf(ErrGenerator, "%w", err))
	}
	known, err := g.from.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	matched := matching(known, selector)
	local := func(c Cluster) bool { return c.Server == api.InClusterServer }
	if selector.Empty() && !slices.ContainsFunc(matched, local) {
		matched = append(matched, Cluster{Name: api.InClusterName, Server: api.InClusterServer})
	}
	all := make([]Params, 0, len(matched))
	for _, cluster := range matched {
		params := g.clusterParams(cluster)
		if err := g.addValues(ctx, params, c.Values, field); err != nil {
			return nil, err
		}
		all = append(all, params)
	}
	g.empty(len(all), field+".selector", "it matches no cluster", "")
	if c.FlatList {
		return []Params{{"clusters": all}}, nil
	}
	return all, nil
}

// matching are the clusters with labels that match, by name. Of two with one name the
// first server counts.
func matching(known []Cluster, selector labels.Selector) []Cluster {
	matched := slices.DeleteFunc(slices.Clone(known), func(c Cluster) bool { return !selector.Matches(labels.Set(c.Labels)) })
	slices.SortFunc(matched, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Server, b.Server))
	})
	return slices.CompactFunc(matched, func(a, b Cluster) bool { return a.Name == b.Name })
}

func (g *generation) clusterParams(c Cluster) Params {
	params := Params{"name": c.Name, "nameNormalized": normalize(c.Name), "server": c.Server, "project": c.Project}
	if c.Name == api.InClusterName && len(c.Labels)+len(c.Annotations) == 0 {
		return params // it has no secret, and so no metadata
	}
	if !g.spec.GoTemplate {
		for key, value := range c.Labels {
			params["metadata.labels."+key] = value
		}
		for key, value := range c.Annotations {
			params["metadata.annotations."+key] = value
		}
		return params
	}
	metadata := map[string]any{}
	if len(c.Labels) > 0 {
		metadata["labels"] = c.Labels
	}
	if len(c.Annotations) > 0 {
		metadata["annotations"] = c.Annotations
	}
	params["metadata"] = metadata
	return params
}
