package fleet

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Known is what Secrets of a repository say of clusters and repositories.
type Known struct {
	Clusters     []Cluster
	Repositories []Repository
	// Unread says that there are cluster Secrets that cannot be read here: encrypted
	// ones, or templates of them.
	Unread bool
}

// A Cluster is one that a Secret names.
type Cluster struct {
	project.Cluster
	Project string // that it is bound to, "" if to none
	Origin  manifest.Origin
}

// A Repository is one that a Secret binds to a project.
type Repository struct{ URL, Project string }

// scoped is what Secrets bind to a project.
func (k *Known) scoped(name string) (s project.Scoped) {
	for _, r := range k.Repositories {
		if r.Project == name {
			s.Repositories = append(s.Repositories, r.URL)
		}
	}
	for _, cluster := range k.Clusters {
		if cluster.Project == name {
			s.Clusters = append(s.Clusters, cluster.Cluster)
		}
	}
	return s
}

// resolve returns a destination with both names of its cluster, as far as they are
// known, and one word for the cluster.
func (k *Known) resolve(d api.Destination) (api.Destination, string) {
	d = d.Resolved()
	if cluster := k.find(d); cluster != nil {
		d.Server, d.Name = cluster.Server, cluster.Name
	}
	if d.Server != "" {
		return d, d.Server
	}
	return d, d.Name
}

// find returns the cluster of a destination, nil if no Secret names it.
func (k *Known) find(d api.Destination) *Cluster {
	for i := range k.Clusters {
		cluster := &k.Clusters[i]
		own := api.Destination{Server: cluster.Server}.Resolved()
		if d.Server != "" && d.Server == own.Server || d.Server == "" && d.Name != "" && d.Name == cluster.Name {
			return cluster
		}
	}
	return nil
}
