package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/release"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
)

// A console is how the commands for people reach a cluster: by a kubeconfig, with
// the person's own rights. There is no server between.
type console struct {
	kubeconfig string
	context    string
	namespace  string
}

// flags adds those that all such commands have.
func (c *console) flags(cmd *cobra.Command) {
	c.reachFlags(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "argocd", "where the Applications are")
}

// reachFlags adds those that say which cluster it is.
func (c *console) reachFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`; as kubectl finds it if empty")
	f.StringVar(&c.context, "context", "", "context of the kubeconfig")
	_ = cmd.RegisterFlagCompletionFunc("context", c.completeContexts) // fails only for a flag that is not there
}

func (c *console) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context})
}

// config returns how to reach the cluster.
func (c *console) config() (*rest.Config, error) {
	cfg, err := c.loader().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	cfg.QPS = -1
	cfg.UserAgent = "tidelock/" + release.Text()
	return cfg, nil
}

// A remote is a cluster with its Applications.
type remote struct {
	cfg       *rest.Config
	client    rest.Interface
	namespace string
}

func (c *console) connect() (*remote, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	client, err := agent.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	return &remote{cfg: cfg, client: client, namespace: c.namespace}, nil
}

// at returns the namespace and the name that NAME or NAMESPACE/NAME means.
func (r *remote) at(arg string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(arg, "/"); ok {
		return namespace, name
	}
	return r.namespace, arg
}

// application reads one Application.
func (r *remote) application(ctx context.Context, arg string) (*api.Application, error) {
	namespace, name := r.at(arg)
	app := &api.Application{}
	err := r.client.Get().Namespace(namespace).Resource("applications").Name(name).Do(ctx).Into(app)
	if err != nil {
		return nil, r.explain(ctx, fmt.Sprintf("read application %s/%s", namespace, name), name, err)
	}
	return app, nil
}

// applications lists those of the namespace, or of all, that a selector matches.
func (r *remote) applications(ctx context.Context, everywhere bool, selector string) ([]api.Application, error) {
	request := r.client.Get().Resource("applications").Param("labelSelector", selector)
	if !everywhere {
		request = request.Namespace(r.namespace)
	}
	list := &api.ApplicationList{}
	if err := request.Do(ctx).Into(list); err != nil {
		return nil, r.explain(ctx, "list applications in namespace "+r.namespace, "", err)
	}
	return list.Items, nil
}

// patch sends a JSON merge patch to an Application.
func (r *remote) patch(ctx context.Context, app *api.Application, patch []byte) error {
	err := r.client.Patch(types.MergePatchType).Namespace(app.Namespace).Resource("applications").Name(app.Name).
		Param("fieldManager", "tidelock-cli").Body(patch).Do(ctx).Error()
	if apierrors.IsConflict(err) {
		return fmt.Errorf("application %s/%s was changed at the same moment: run the command again: %w", app.Namespace, app.Name, err)
	}
	if err != nil {
		return r.explain(ctx, fmt.Sprintf("change application %s/%s", app.Namespace, app.Name), app.Name, err)
	}
	return nil
}

// change patches an Application with what make says of it. If the agent has
// written to it at the same moment, make is asked anew.
func (r *remote) change(ctx context.Context, app *api.Application, make func(*api.Application) (map[string]any, error)) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		body, err := make(app)
		if err != nil {
			return err
		}
		body["metadata"] = merged(body["metadata"], "resourceVersion", app.ResourceVersion)
		patch, err := json.Marshal(body)
		if err != nil {
			return err
		}
		err = r.patch(ctx, app, patch)
		if apierrors.IsConflict(err) {
			if now, readErr := r.application(ctx, app.Namespace+"/"+app.Name); readErr == nil {
				*app = *now
			}
		}
		return err
	})
}

// merged adds an entry to what may be a map.
func merged(to any, name string, value any) map[string]any {
	m, _ := to.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[name] = value
	return m
}

// follow calls met with an Application as it is now, and whenever it changes,
// until met reports true. It is nil once it is gone.
func (r *remote) follow(ctx context.Context, app *api.Application, met func(*api.Application) (bool, error)) error {
	lw := cache.NewListWatchFromClient(r.client, "applications", app.Namespace, fields.OneTermEqualSelector("metadata.name", app.Name))
	empty := func(store cache.Store) (bool, error) {
		if len(store.List()) > 0 {
			return false, nil
		}
		return met(nil)
	}
	_, err := watchtools.UntilWithSync(ctx, lw, &api.Application{}, empty, func(event watch.Event) (bool, error) {
		now, ok := event.Object.(*api.Application)
		if !ok || event.Type == watch.Deleted {
			now = nil
		}
		return met(now)
	})
	return err
}

// explain words an error of the API server for people.
func (r *remote) explain(ctx context.Context, doing, name string, err error) error {
	switch {
	case apierrors.IsNotFound(err) && !r.knows(ctx):
		return fmt.Errorf("%s: this cluster does not know Applications (hint: tidelock install --crds-only | kubectl apply --server-side -f -)", doing)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%s: there is none%s", doing, r.nearest(ctx, name))
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: you may not: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// explainSet words an error about one ApplicationSet.
func (r *remote) explainSet(ctx context.Context, namespace, name string, err error) error {
	doing := fmt.Sprintf("read ApplicationSet %s/%s", namespace, name)
	if apierrors.IsNotFound(err) && r.knows(ctx) {
		return fmt.Errorf("%s: there is none (hint: tidelock sets -n %s lists them)", doing, namespace)
	}
	return r.explain(ctx, doing, name, err)
}

// knows says that the cluster serves Applications.
func (r *remote) knows(ctx context.Context) bool {
	return !apierrors.IsNotFound(r.client.Get().AbsPath("/apis/argoproj.io/v1alpha1").Do(ctx).Error())
}

// nearest names Applications that may have been meant.
func (r *remote) nearest(ctx context.Context, name string) string {
	apps, err := r.applications(ctx, false, "")
	if err != nil || len(apps) == 0 {
		return fmt.Sprintf(" (hint: no Applications are in namespace %s: give another with -n)", r.namespace)
	}
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	if near := api.Nearest(name, names); near != "" {
		return fmt.Sprintf(" (hint: did you mean %s?)", near)
	}
	return fmt.Sprintf(" (hint: tidelock get -n %s lists them)", r.namespace)
}

// person is who runs the command: as the cluster knows them, else the machine.
func (r *remote) person(ctx context.Context) string {
	if client, err := kubernetes.NewForConfig(r.cfg); err == nil {
		review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err == nil && review.Status.UserInfo.Username != "" {
			return review.Status.UserInfo.Username
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// completionTime bounds what a completion may take.
const completionTime = 2 * time.Second

// completeApplications offers the names of Applications, for one argument or for
// any number.
func (c *console) completeApplications(many bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		r, err := c.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		apps, err := r.applications(ctx, false, "")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, app := range apps {
			names = append(names, cobra.CompletionWithDesc(app.Name, string(app.Status.Sync.Status)+", "+string(app.Status.Health.Status)))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (c *console) completeContexts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	raw, err := c.loader().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for name := range raw.Contexts {
		names = append(names, name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

var (
	// errTimeout says that what was waited for did not come in time.
	errTimeout = errors.New("timed out")
	// errInterrupted says that nobody waited any longer.
	errInterrupted = errors.New("interrupted")
)
