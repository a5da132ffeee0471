package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/sets"
	"github.com/tidelock-io/tidelock/agent/shadow"
)

// applicationSets lists those that are to be compared: none where the cluster knows none.
func (o *checkOptions) applicationSets(ctx context.Context, r *remote) ([]api.ApplicationSet, error) {
	if !o.sets {
		return nil, nil
	}
	list := &api.ApplicationSetList{}
	err := r.client.Get().Namespace(o.scope(r)).Resource(api.ApplicationSetResource).Do(ctx).Into(list)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w (hint: --applicationsets=false leaves them out)", r.explain(ctx, "list ApplicationSets", "", err))
	}
	return list.Items, nil
}

// scope is the namespace of what is compared; "" for all.
func (o *checkOptions) scope(r *remote) string {
	if o.everywhere {
		return metav1.NamespaceAll
	}
	return r.namespace
}

// compareSets compares ApplicationSets one by one, as an agent does that is set up as
// Argo CD is. What is wrong with one is in its comparison. Notes are of those that are
// left out, and of settings that are.
func (o *checkOptions) compareSets(ctx context.Context, r *remote, e *engine, all []api.ApplicationSet, waiting *screen) (compared []shadow.Set, notes []string, err error) {
	if len(all) == 0 {
		return nil, nil, nil
	}
	settings, notes := agentSettings(ctx, r, e)
	config, err := o.setsConfig(ctx, r, e, settings)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		set := &all[i]
		name := set.Namespace + "/" + set.Name
		switch {
		case set.DeletionTimestamp != nil:
			notes = append(notes, fmt.Sprintf("ApplicationSet %s is being deleted, and is not compared", name))
			continue
		case set.Namespace != e.namespace && !config.Elsewhere.Has(set.Namespace):
			notes = append(notes, fmt.Sprintf("ApplicationSet %s is not compared: applicationsetcontroller.namespaces in ConfigMap %s/%s does not name its namespace", name, e.namespace, argoParams))
			continue
		}
		waiting.state("%d of %d ApplicationSets: %s", i+1, len(all), set.Name)
		plan, err := sets.Observe(ctx, config, set)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		compared = append(compared, shadow.CompareSet(set, plan, err))
	}
	return compared, notes, nil
}

// agentSettings are those that an agent of the namespace would have by its ConfigMaps, or
// its defaults, and what is wrong with them.
func agentSettings(ctx context.Context, r *remote, e *engine) (o *agentOptions, notes []string) {
	maps := paramMaps()
	for i := range maps {
		data, err := keyring.ReadConfig(ctx, r.cfg, e.namespace, maps[i].name)
		if err != nil {
			notes = append(notes, fmt.Sprintf("what ConfigMap %s/%s says is not known, and the defaults are taken: %v", e.namespace, maps[i].name, err))
		}
		maps[i].data = data
	}
	settings, flags := defaultSettings(e.namespace)
	from := origins{}
	_, wrong := fromMaps(flags, from, maps...)
	if err := errors.Join(joined(wrong), settings.check(from)); err != nil {
		notes = append(notes, fmt.Sprintf("an agent would not start, and the defaults are taken: %v", err))
		settings, _ = defaultSettings(e.namespace)
	}
	return settings, notes
}

func defaultSettings(namespace string) (*agentOptions, *pflag.FlagSet) {
	o, flags := &agentOptions{}, pflag.NewFlagSet("agent", pflag.ContinueOnError)
	o.flags(flags)
	o.namespace = namespace
	return o, flags
}

// setsConfig is what an agent looks at ApplicationSets with.
func (o *checkOptions) setsConfig(ctx context.Context, r *remote, e *engine, settings *agentOptions) (sets.Config, error) {
	keys := e.keys.(personalKeys)
	applications, err := agent.NewApplications(r.cfg, e.namespace, settings.elsewhere(), keys.Scoped, keys.Bindings)
	if err != nil {
		return sets.Config{}, err
	}
	if err := applications.ReadAll(ctx, o.scope(r)); err != nil {
		return sets.Config{}, fmt.Errorf("read what ApplicationSets have made: %w (hint: --applicationsets=false leaves them out)", err)
	}
	core, err := corev1client.NewForConfig(r.cfg)
	if err != nil {
		return sets.Config{}, fmt.Errorf("connect to the cluster: %w", err)
	}
	unread := keys.ReadClusters(ctx)
	servers := forge.New(forge.Options{UserAgent: r.cfg.UserAgent})
	return sets.Config{
		Namespace: e.namespace, Elsewhere: settings.setsElsewhere(), Applications: applications,
		Git: e.git, Repo: keys.Repo, Clusters: func() ([]appset.Cluster, error) { return clustersOf(keys.Keyring), unread },
		Verify: func(ctx context.Context, app *api.Application, repo git.Repo, revision, sha string) error {
			return e.prove(ctx, applications, app.Spec.ProjectName(), repo, revision, sha)
		},
		Services: func(set *api.ApplicationSet) sets.Services { return settings.answers(servers, core, set) },
		Followed: applications.Follows,
		Permit: func(project, namespace, repoURL string) error {
			return permitSet(applications, e.namespace, project, namespace, repoURL)
		},
		NewFileGlobbing: settings.globbing, Rules: settings.setRules(), Log: e.log, Now: time.Now,
	}, nil
}
