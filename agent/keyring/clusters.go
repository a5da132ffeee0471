package keyring

import (
	"maps"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// A Cluster is what its Secret says of it, as far as that is known without reading how
// to log in (SEMANTICS.md 2.8).
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// A ClusterSecret is a Cluster with how to reach it: agent/destinations reads that.
type ClusterSecret struct {
	Cluster
	Secret  string // "NAMESPACE/NAME"
	Version string // another one whenever the Secret changes
	Config  secrets.Value
	// Namespaces, ClusterResources and Shard are as they stand in the Secret.
	Namespaces, ClusterResources, Shard string
	// Others are entries that are not known.
	Others []string
}

// clusterEntries are those of the Secret of a cluster.
var clusterEntries = map[string]bool{
	"name": true, "server": true, "project": true, "config": true, "namespaces": true, "clusterResources": true, "shard": true,
}

// Clusters returns the clusters that have a Secret, by the Secrets' names. A Secret
// without a name or a server is of none.
func (k *Keyring) Clusters() (clusters []Cluster) {
	for _, s := range k.ClusterSecrets() {
		if s.Name != "" && s.Server != "" {
			clusters = append(clusters, s.Cluster)
		}
	}
	return clusters
}

// OnlyNamespaces are those that the agent may touch in the cluster; none is all.
func (c *ClusterSecret) OnlyNamespaces() (list []string) {
	for name := range strings.SplitSeq(c.Namespaces, ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// ClusterSecrets returns the Secrets of clusters by name, be they usable or not.
func (k *Keyring) ClusterSecrets() (all []ClusterSecret) {
	for _, s := range sorted(k.clusters.list()) {
		text := func(name string) string { return strings.TrimSpace(string(s.Data[name])) }
		c := ClusterSecret{
			Cluster: Cluster{
				Name: text("name"), Server: strings.TrimRight(text("server"), "/"), Project: text("project"),
				Labels: maps.Clone(s.Labels), Annotations: maps.Clone(s.Annotations),
			},
			Secret: s.Namespace + "/" + s.Name, Version: string(s.UID) + " " + s.ResourceVersion,
			Config: secrets.New(s.Data["config"]), Namespaces: text("namespaces"), ClusterResources: text("clusterResources"), Shard: text("shard"),
		}
		for name := range s.Data {
			if !clusterEntries[name] {
				c.Others = append(c.Others, name)
			}
		}
		all = append(all, c)
	}
	return all
}
