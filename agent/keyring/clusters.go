package keyring

import "maps"

// A Cluster is what its Secret says of it; how to log in is not read (SEMANTICS.md 2.8).
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// Clusters returns the clusters that have a Secret, by the Secrets' names. A Secret
// without a name or a server is of none.
func (k *Keyring) Clusters() (clusters []Cluster) {
	for _, s := range sorted(k.clusters.list()) {
		c := Cluster{
			Name: string(s.Data["name"]), Server: string(s.Data["server"]), Project: string(s.Data["project"]),
			Labels: maps.Clone(s.Labels), Annotations: maps.Clone(s.Annotations),
		}
		if c.Name != "" && c.Server != "" {
			clusters = append(clusters, c)
		}
	}
	return clusters
}
