package main

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/rival"
	"github.com/tidelock-io/tidelock/agent/sets"
)

// keepSets makes the part that keeps the Applications of ApplicationSets, and has it hear
// of what they depend on.
func (p *parts) keepSets(cfg *rest.Config, reconciler *reconcile.Reconciler, lookout *rival.Lookout) error {
	client, err := agent.NewClient(cfg)
	if err != nil {
		return err
	}
	core, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	servers := forge.New(forge.Options{UserAgent: cfg.UserAgent})
	p.sets = sets.New(sets.Config{
		Namespace: p.options.namespace, Elsewhere: p.options.setsElsewhere(), Client: client, Applications: p.applications,
		Git: p.git, Repo: p.keyring.Repo, Verify: p.engine.verify, Clusters: func() ([]appset.Cluster, error) { return clustersOf(p.keyring), nil },
		Mine: p.replicas.owns, Running: &p.replicas.running, Fresh: reconciler.Freshness, Tell: p.events.RecordSet, Log: p.log, Now: time.Now,
		NewFileGlobbing: p.options.globbing, Rules: p.options.setRules(), Shadow: p.shadow.sets(), Rivals: p.setRivals(lookout, reconciler),
		Passed: func(set types.NamespacedName, took time.Duration, gone bool) {
			p.metrics.SetPassed(set.Namespace, set.Name, took, gone)
			p.shadow.passedSet(set, gone)
		},
		Services: func(set *api.ApplicationSet) sets.Services { return p.params.options().answers(servers, core, set) },
		Followed: p.applications.Follows, Permit: func(project, namespace, repoURL string) error {
			return permitSet(p.applications, p.options.namespace, project, namespace, repoURL)
		},
	})
	p.applications.Told = func(app *api.Application) { p.sets.Application(app) }
	p.applications.ProjectsTold = p.sets.All
	p.keyring.ClustersChanged = func() {
		p.engine.destinations.Refresh()
		p.sets.All()
	}
	return nil
}

// setRules are the administrator's for all ApplicationSets.
func (o *agentOptions) setRules() sets.Rules {
	return sets.Rules{
		Policy: api.ApplicationsSync(o.setPolicy), Override: o.setOverride,
		Annotations: o.preserved.annotations, Labels: o.preserved.labels,
		AllAtOnce: !o.rolling, DryRun: o.setDryRun,
	}
}

// checkSetPolicy wants one of those that sets can state.
func checkSetPolicy(policy string) error {
	all := []api.ApplicationsSync{"", api.ApplicationsSyncAll, api.ApplicationsSyncCreateOnly, api.ApplicationsSyncCreateUpdate, api.ApplicationsSyncCreateDelete}
	if !slices.Contains(all, api.ApplicationsSync(policy)) {
		return fmt.Errorf("%.40q is no policy: there are create-only, create-update, create-delete and sync", policy)
	}
	return nil
}

// clustersOf are those that have a Secret.
func clustersOf(ring *keyring.Keyring) (clusters []appset.Cluster) {
	for _, c := range ring.Clusters() {
		clusters = append(clusters, appset.Cluster(c))
	}
	return clusters
}
