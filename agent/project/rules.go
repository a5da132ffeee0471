package project

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Rules is a project, compiled. See New.
type Rules struct {
	name         string
	sources      []source
	destinations []destination
	// scoped is nil unless only the project's own clusters are permitted.
	scoped        *[]Cluster
	clusterKinds  kinds
	spaceKinds    kinds
	appNamespaces []appNamespace
	accounts      []account
	orphans       *Orphans
	values        []valuesFrom
	integrity     []integrityPolicy
	signatures    *integrityPolicy // of the old spec.signatureKeys, nil if there are none
}

// Scoped is what Secrets in the agent's namespace bind to a project by their project
// field. Repositories and clusters of a project are permitted without being listed in it.
type Scoped struct {
	// Repositories are URLs.
	Repositories []string
	Clusters     []Cluster
}

// A Cluster is what a cluster Secret says of itself.
type Cluster struct {
	Server, Name string
	// Namespaces are the only ones that the agent may touch there; none means all.
	Namespaces []string
}

// New compiles a project, together with what Secrets bind to it. The error names the
// fields of all patterns that cannot be read; there are no rules then, so a caller has to
// refuse everything.
func New(p *api.AppProject, scoped Scoped) (*Rules, error) {
	c, spec := &compiler{}, field.NewPath("spec")
	r := &Rules{
		name:          p.Name,
		sources:       c.sources(p.Spec.SourceRepos, spec.Child("sourceRepos")),
		destinations:  c.destinations(p.Spec.Destinations, spec.Child("destinations")),
		clusterKinds:  c.clusterKinds(&p.Spec, spec),
		spaceKinds:    c.spaceKinds(&p.Spec, spec),
		appNamespaces: c.appNamespaces(p.Spec.SourceNamespaces, spec.Child("sourceNamespaces")),
		accounts:      c.accounts(p.Spec.DestinationServiceAccounts, spec.Child("destinationServiceAccounts")),
	}
	r.orphans = newOrphans(p.Spec.OrphanedResources)
	r.values, _ = newValuesFrom(p.Annotations)
	r.integrity, r.signatures = c.integrity(&p.Spec, spec)
	if err := c.errs.ToAggregate(); err != nil {
		return nil, fmt.Errorf("project %s: %w", shown(p.Name), err)
	}
	r.bind(scoped, p.Spec.PermitOnlyProjectScopedClusters)
	return r, nil
}

// bind adds what is permitted by Secrets.
func (r *Rules) bind(scoped Scoped, onlyScoped bool) {
	for _, repository := range scoped.Repositories {
		if a := normalize(repository); a.plain {
			r.sources = append(r.sources, source{pattern: literal(a.text)})
		}
	}
	for _, cluster := range scoped.Clusters {
		r.destinations = append(r.destinations, ownCluster(cluster)...)
	}
	if onlyScoped {
		clusters := append([]Cluster(nil), scoped.Clusters...)
		r.scoped = &clusters
	}
}

// A compiler reads the lists of a project and collects what is wrong with them.
type compiler struct{ errs field.ErrorList }

// check notes an error of the pattern at a path. Patterns of repositories may hold
// credentials, so none is repeated.
func (c *compiler) check(err error, p *field.Path) {
	if err != nil {
		c.errs = append(c.errs, field.Invalid(p, field.OmitValueType{}, "pattern cannot be read: "+err.Error()))
	}
}

func (c *compiler) pattern(text string, p *field.Path, separators ...rune) pattern {
	compiled, err := newPattern(text, separators...)
	c.check(err, p)
	return compiled
}

func (c *compiler) word(text string, p *field.Path) word {
	compiled, err := newWord(text)
	c.check(err, p)
	return compiled
}
