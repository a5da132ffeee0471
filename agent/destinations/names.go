package destinations

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/keyring"
)

// An entry is a cluster, as its Secret has it.
type entry struct {
	keyring.ClusterSecret
	login *login // nil if fault is not
	fault error
}

// same says that two versions of a Secret say the same.
func (e *entry) same(o *entry) bool {
	return e.alike(o) && e.Config.Equal(o.Config)
}

// alike is same, but for how to log in.
func (e *entry) alike(o *entry) bool {
	return e.Secret == o.Secret && e.Name == o.Name && e.Server == o.Server && e.Project == o.Project &&
		e.Namespaces == o.Namespaces && e.ClusterResources == o.ClusterResources && e.skipped() == o.skipped() && (e.fault == nil) == (o.fault == nil)
}

// skipped says that the Applications of the cluster are to be left alone (SEMANTICS.md
// 2.7).
func (e *entry) skipped() bool { return e.Annotations[api.AnnotationSkipReconcile] == "true" }

// shown names the cluster for a person.
func (e *entry) shown() string {
	if e.Name == "" || e.Name == e.Server {
		return e.Server
	}
	return e.Name + " (" + e.Server + ")"
}

// An index finds clusters.
type index struct {
	servers map[string]*entry
	names   map[string][]string // servers by name
	odd     []string            // Secrets that are of no cluster, and why
}

// maxClusters is how many clusters there may be.
const maxClusters = 1000

// newIndex reads Secrets, which come by name. Of two of one server the first counts.
func newIndex(list []keyring.ClusterSecret, commands []string) *index {
	x, beyond := &index{servers: map[string]*entry{}, names: map[string][]string{}}, 0
	for _, s := range list {
		if s.Server == "" {
			x.odd = append(x.odd, fmt.Sprintf("Secret %s: it has no server", s.Secret))
			continue
		}
		if first := x.servers[s.Server]; first != nil {
			x.odd = append(x.odd, fmt.Sprintf("Secret %s: %s is of the same server, and counts", s.Secret, first.Secret))
			continue
		}
		e := &entry{ClusterSecret: s}
		if len(x.servers) >= maxClusters {
			e.fault = fmt.Errorf("%w %s: there are %d others before it by name, and no more are followed", ErrSecret, s.Secret, maxClusters)
			beyond++
		} else if e.login, e.fault = readSecret(&s, commands); e.fault == nil && e.login.notActed != "" {
			x.odd = append(x.odd, fmt.Sprintf("Secret %s: nobody acts on %s", s.Secret, e.login.notActed))
		}
		x.servers[s.Server] = e
		if s.Name != "" {
			x.names[s.Name] = append(x.names[s.Name], s.Server)
		}
	}
	if beyond > 0 {
		x.odd = append(x.odd, fmt.Sprintf("there are %d Secrets of clusters, of which %d are followed, by their names", len(x.servers), maxClusters))
	}
	return x
}

// own is the Secret of the agent's own cluster; nil if there is none.
func (x *index) own() *entry { return x.servers[api.InClusterServer] }

// A missing cluster is one that no Secret names.
type missing struct{ text string }

func (m missing) Error() string        { return m.text }
func (m missing) Is(target error) bool { return target == ErrNoCluster }

// resolve finds the cluster of a destination. Its words are Argo CD's, as far as it has
// any.
func (x *index) resolve(to api.Destination) (api.Destination, error) {
	to = to.Resolved()
	switch {
	case to.Server == api.InClusterServer && (to.Name == "" || to.Name == api.InClusterName):
		if own := x.own(); own != nil && own.Name != "" {
			to.Name = own.Name
		}
		return to, nil
	case to.Server != "" && to.Name != "":
		return to, fmt.Errorf("application destination can't have both name and server defined: %s %s", to.Name, to.Server)
	case to.Server != "":
		e := x.servers[to.Server]
		if e == nil {
			return to, missing{fmt.Sprintf("error getting cluster by server %q: cluster %q not found%s", to.Server, to.Server, x.hint(to.Server))}
		}
		to.Name = e.Name
		return to, nil
	case to.Name != "":
		return x.byName(to)
	}
	return to, errors.New("spec.destination: give the name or the server of a cluster")
}

func (x *index) byName(to api.Destination) (api.Destination, error) {
	switch servers := x.names[to.Name]; len(servers) {
	case 0:
		return to, missing{fmt.Sprintf("unable to find destination server: there are no clusters with this name: %s%s", to.Name, x.hint(to.Name))}
	case 1:
		to.Server = servers[0]
		return to, nil
	default:
		return to, fmt.Errorf("unable to find destination server: there are %d clusters with the same name: [%s]", len(servers), strings.Join(servers, " "))
	}
}

// hint says what to do about a cluster that is not known.
func (x *index) hint(name string) string {
	known := []string{api.InClusterName, api.InClusterServer}
	for server, e := range x.servers {
		known = append(known, server, e.Name)
	}
	slices.Sort(known)
	if near := api.Nearest(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return fmt.Sprintf(" (hint: add its Secret, with the label %s: %s)", api.LabelSecretType, api.SecretTypeCluster)
}
