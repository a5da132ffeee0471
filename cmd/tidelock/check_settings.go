package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/settings"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// lookSettings looks at what administrators have set.
func (c *checker) lookSettings(ctx context.Context, a *area) {
	c.lookConfig(ctx, a)
	c.lookParams(ctx, a)
	c.lookHooks(ctx, a)
	c.lookMetrics(ctx, a)
}

// readConfig reads one of the agent's ConfigMaps, and says what hinders; nil if there is
// none that counts.
func (c *checker) readConfig(ctx context.Context, a *area, name string) map[string]string {
	data, err := keyring.ReadConfig(ctx, c.cfg, c.namespace, name)
	switch {
	case errors.Is(err, keyring.ErrUnlabelled):
		a.wrong(fmt.Sprintf("kubectl -n %s label configmap %s app.kubernetes.io/part-of=argocd", c.namespace, name), "%v", err)
	case err != nil:
		a.unread("ConfigMap "+name, err)
	}
	return data
}

// lookConfig reads argocd-cm as the agent does.
func (c *checker) lookConfig(ctx context.Context, a *area) {
	data := c.readConfig(ctx, a, settings.ConfigMap)
	if data == nil {
		return // all is at its default
	}
	read := settings.Read(data, nil)
	for _, p := range read.Problems {
		a.wrong("correct the entry: the agent leaves it as it was", "ConfigMap %s: %s", settings.ConfigMap, p)
	}
	for _, note := range read.Notes {
		a.warn("", "ConfigMap %s: %s", settings.ConfigMap, note)
	}
	if len(read.Problems) == 0 {
		a.ok("ConfigMap %s", settings.ConfigMap)
	}
}

// lookParams reads the ConfigMaps of flags as the agent does when it starts.
func (c *checker) lookParams(ctx context.Context, a *area) {
	for _, m := range paramMaps() {
		if m.data = c.readConfig(ctx, a, m.name); m.data == nil {
			continue
		}
		flags := newAgentCommand().Flags()
		ignored, wrong := fromMaps(flags, origins{}, m)
		for _, entry := range wrong {
			a.wrong("correct the entry, or the agent does not start", "%v", entry)
		}
		if len(ignored) > 0 {
			a.warn("", "ConfigMap %s: these entries have no effect: %s", m.name, strings.Join(allIdle(ignored), ", "))
		}
		if len(wrong) == 0 && len(ignored) == 0 {
			a.ok("ConfigMap %s", m.name)
		}
	}
}

// webhookSecretName is where Argo CD has the secrets of webhooks (SEMANTICS.md 2.9).
const webhookSecretName = "argocd-secret"

// lookHooks tells of which servers webhooks are signed.
func (c *checker) lookHooks(ctx context.Context, a *area) {
	secret, err := c.kube.CoreV1().Secrets(c.namespace).Get(ctx, webhookSecretName, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		a.unread("Secret "+webhookSecretName, err)
		return
	}
	var signed []string
	if err == nil {
		for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
			if strings.HasPrefix(key, "webhook.") && len(secret.Data[key]) > 0 {
				signed = append(signed, key)
			}
		}
	}
	if file, _ := c.flags.GetString("webhook-secret-file"); file != "" {
		signed = append(signed, "--webhook-secret-file")
	}
	if len(signed) == 0 {
		a.warn("put the secret that signs them into Secret "+webhookSecretName+", as webhook.github.secret or its like",
			"webhooks need no signature: anybody who reaches the agent can have a repository asked for news, at most once in ten seconds")
		return
	}
	a.ok("webhooks are signed: %s", strings.Join(signed, ", "))
}

// lookMetrics tells whether the Prometheus operator reads the metrics.
func (c *checker) lookMetrics(ctx context.Context, a *area) {
	client, err := dynamic.NewForConfig(c.cfg)
	if err != nil {
		a.unread("ServiceMonitors", err)
		return
	}
	o := c.options
	o.Monitoring = true
	objects, err := install.Objects(o)
	if err != nil {
		return // see installation
	}
	for _, object := range objects {
		u := &unstructured.Unstructured{Object: object}
		if u.GroupVersionKind().Group != "monitoring.coreos.com" {
			continue
		}
		resource := install.ResourceOf(object)
		if _, err := c.kube.Discovery().ServerResourcesForGroupVersionWithContext(ctx, resource.GroupVersion().String()); apierrors.IsNotFound(err) {
			a.ok("there is no Prometheus operator, to which a %s would be of use", u.GetKind())
			continue
		}
		_, err := client.Resource(resource).Namespace(u.GetNamespace()).Get(ctx, u.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			a.warn(strings.Replace(c.installCommand(), " |", " --monitoring |", 1), "there is a Prometheus operator, and no %s %s", u.GetKind(), u.GetName())
		case err != nil:
			a.unread(u.GetKind()+" "+u.GetName(), err)
		default:
			a.ok("%s %s", u.GetKind(), u.GetName())
		}
	}
}
