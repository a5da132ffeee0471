package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/keyring"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// there is what there is of an installation, and why the rest could not be read.
type there struct {
	deployment *appsv1.Deployment // nil if there is none
	container  corev1.Container   // the agent's
	flags      *pflag.FlagSet     // those of the agent; its defaults without a deployment
	unknown    error              // flags that are not known
	options    install.Options    // by which it was installed, as its flags say

	apps        []api.Application
	appProjects []api.AppProject
	appSets     []api.ApplicationSet
	ring        *keyring.Keyring // nil if none can be made
	// missingApps and missingSets are namespaces, or patterns of them, in which the person
	// may not list what the agent looks at.
	missingApps, missingSets []string

	noDeployment, noApps, noProjects, noSets, noClusters error
	noKeys, noNotifications                              []error
}

// readThere reads what several areas look at.
func (c *checker) readThere(ctx context.Context) (t there) {
	t.readDeployment(ctx, c)
	t.readApplications(ctx, c)
	t.readSets(ctx, c)
	projects := &api.AppProjectList{}
	t.noProjects = c.client.Get().Namespace(c.namespace).Resource("appprojects").Do(ctx).Into(projects)
	t.appProjects = projects.Items
	ring, err := keyring.New(c.cfg, keyring.Namespaces{
		Agent: c.namespace, Sealing: t.options.SealingNamespace, Confined: len(t.options.Namespaces) > 0,
	}, quietLogger(), func() {})
	if err != nil {
		t.noKeys = []error{err}
		return t
	}
	t.ring, t.noKeys = ring, ring.Read(ctx)
	t.noClusters, t.noNotifications = ring.ReadClusters(ctx), ring.ReadNotifications(ctx)
	return t
}

// readDeployment finds the agent, and what it is told.
func (t *there) readDeployment(ctx context.Context, c *checker) {
	var args []string
	list, err := c.kube.AppsV1().Deployments(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if t.noDeployment = err; err == nil && len(list.Items) > 0 {
		t.deployment = &list.Items[0]
		containers := t.deployment.Spec.Template.Spec.Containers
		i := max(0, slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == "agent" }))
		if i < len(containers) {
			t.container = containers[i]
			args = slices.Concat(t.container.Command, t.container.Args)
		}
	}
	t.flags, t.unknown = t.settled(ctx, c, afterAgent(args), false)
	if t.unknown != nil {
		t.flags, _ = t.settled(ctx, c, afterAgent(args), true)
	}
	t.options = t.optionsOf(c.namespace)
}

// settled are the agent's settings as it finds them when it starts. With lenient, what
// cannot be read is left out.
func (t *there) settled(ctx context.Context, c *checker, args []string, lenient bool) (*pflag.FlagSet, error) {
	flags := newAgentCommand().Flags()
	flags.SetOutput(io.Discard)
	flags.ParseErrorsAllowlist.UnknownFlags = lenient
	err := flags.Parse(args)
	from, wrong := fromEnv(flags, func(name string) (string, bool) {
		i := slices.IndexFunc(t.container.Env, func(e corev1.EnvVar) bool { return e.Name == name && e.ValueFrom == nil })
		if i < 0 {
			return "", false
		}
		return t.container.Env[i].Value, true
	})
	if err = errors.Join(err, wrong); err != nil && !lenient {
		return nil, err
	}
	all := paramMaps()
	for i := range all {
		// What cannot be read, or makes no sense, is a finding among the settings.
		all[i].data, _ = keyring.ReadConfig(ctx, c.cfg, c.namespace, all[i].name)
	}
	fromMaps(flags, from, all...)
	return flags, nil
}

// afterAgent are the arguments of "tidelock agent".
func afterAgent(args []string) []string {
	if i := slices.Index(args, "agent"); i >= 0 {
		return args[i+1:]
	}
	return args
}

// optionsOf are the options of an installation that has the agent's flags.
func (t *there) optionsOf(namespace string) install.Options {
	o := install.Options{Namespace: namespace, Image: t.container.Image, Replicas: 1}
	if o.Image == "" {
		o.Image = install.Image
	}
	o.Namespaces, _ = t.flags.GetStringSlice(destinationsFlag)
	o.SealingNamespace, _ = t.flags.GetString("sealed-secrets-namespace")
	o.ApplicationNamespaces, _ = t.flags.GetStringSlice(install.ApplicationsFlag)
	o.SetNamespaces, _ = t.flags.GetStringSlice(install.SetsFlag)
	o.Impersonate, _ = t.flags.GetBool("impersonate")
	o.Shadow, _ = t.flags.GetBool(shadowFlag)
	o.ShadowDryRuns, _ = t.flags.GetBool("shadow-dry-runs")
	if t.deployment != nil && t.deployment.Spec.Replicas != nil {
		o.Replicas = int(*t.deployment.Spec.Replicas)
	}
	return o
}

// agentNamespace is the one that the agent is told; it may be given by a variable.
func (t *there) agentNamespace() string {
	namespace, _ := t.flags.GetString("namespace")
	return namespace
}

// account is who the agent is.
func (t *there) account(namespace string) string {
	name := install.Name
	if t.deployment != nil && t.deployment.Spec.Template.Spec.ServiceAccountName != "" {
		name = t.deployment.Spec.Template.Spec.ServiceAccountName
	}
	return fmt.Sprintf("system:serviceaccount:%s:%s", namespace, name)
}
