package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/project"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/rest"
)

// clocksApart is how far clocks may be apart without harm: tokens, leases and schedules
// are of seconds and minutes.
const clocksApart = 30 * time.Second

// lookCluster looks at what is there without Tidelock.
func (c *checker) lookCluster(ctx context.Context, a *area) {
	c.lookVersion(ctx, a)
	c.lookClock(ctx, a)
	c.lookRivals(ctx, a)
	c.lookFlux(ctx, a)
}

func (c *checker) lookVersion(ctx context.Context, a *area) {
	info, err := c.kube.Discovery().ServerVersionWithContext(ctx)
	if err != nil {
		a.unread("the cluster's version", err)
		return
	}
	v, err := version.ParseGeneric(info.GitVersion)
	if err != nil {
		a.unread("the cluster's version", err)
		return
	}
	oldest, newest := version.MustParseGeneric(install.OldestKubernetes), version.MustParseGeneric(install.NewestKubernetes)
	switch {
	case v.LessThan(oldest):
		a.wrong("upgrade the cluster", "Kubernetes %s is older than %s, which Tidelock needs", info.GitVersion, install.OldestKubernetes)
	case newest.LessThan(version.MajorMinor(v.Major(), v.Minor())):
		a.warn("see whether there is a newer tidelock", "Kubernetes %s is newer than %s, the newest that this version of Tidelock is tested with", info.GitVersion, install.NewestKubernetes)
	default:
		a.ok("Kubernetes %s", info.GitVersion)
	}
}

// lookClock compares this machine's clock with the API server's.
func (c *checker) lookClock(ctx context.Context, a *area) {
	apart, err := clockOf(ctx, c.cfg)
	switch {
	case err != nil:
		a.unread("the API server's clock", err)
	case apart.Abs() > clocksApart:
		a.warn("set both by NTP; if this machine's is right, tokens, leases and sync windows go by a wrong clock", "the API server's clock is %s from this machine's", apart.Round(time.Second))
	default:
		a.ok("the API server's clock is this machine's")
	}
}

// clockOf is how far a server's clock is ahead of ours.
func clockOf(ctx context.Context, cfg *rest.Config) (time.Duration, error) {
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return 0, err
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("version").String(), nil)
	if err != nil {
		return 0, err
	}
	asked := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("read its Date: %w", err)
	}
	return at.Sub(asked.Add(time.Since(asked) / 2)), nil
}

// argoController is the label of Argo CD's application controller.
const argoController = "app.kubernetes.io/name=argocd-application-controller"

// lookRivals looks for others that work on the same Applications.
func (c *checker) lookRivals(ctx context.Context, a *area) {
	in := map[string]bool{}
	sets, err := c.kube.AppsV1().StatefulSets("").List(ctx, metav1.ListOptions{LabelSelector: argoController})
	if err != nil {
		a.unread("whether Argo CD runs", err)
		return
	}
	for _, s := range sets.Items {
		in[s.Namespace] = in[s.Namespace] || s.Spec.Replicas == nil || *s.Spec.Replicas > 0
	}
	deployments, err := c.kube.AppsV1().Deployments("").List(ctx, metav1.ListOptions{LabelSelector: argoController})
	if err != nil {
		a.unread("whether Argo CD runs", err)
		return
	}
	for _, d := range deployments.Items {
		in[d.Namespace] = in[d.Namespace] || d.Spec.Replicas == nil || *d.Spec.Replicas > 0
	}
	found := false
	for namespace, runs := range in {
		if runs && c.rival(ctx, a, namespace) {
			found = true
		}
	}
	if !found {
		a.ok("nobody else works on the Applications of namespace %s", c.namespace)
	}
}

// rival reports a controller of Argo CD that works on our Applications.
func (c *checker) rival(ctx context.Context, a *area, namespace string) bool {
	if namespace != c.namespace {
		config, err := c.kube.CoreV1().ConfigMaps(namespace).Get(ctx, argoParams, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			a.unread("which Applications Argo CD in namespace "+namespace+" works on", err)
			return false
		}
		var patterns []string
		if config != nil {
			patterns = strings.FieldsFunc(config.Data["application.namespaces"], func(r rune) bool { return r == ',' || r == ' ' })
		}
		elsewhere, err := project.NewNamespaces(patterns)
		if err != nil || !elsewhere.Has(c.namespace) {
			return false
		}
	}
	if shadow := c.flags.Lookup("shadow"); shadow != nil && shadow.Value.String() == "true" {
		a.ok("Argo CD in namespace %s works on the Applications of %s, and this agent looks on (--shadow)", namespace, c.namespace)
		return true
	}
	a.wrong("let one of the two rest: tidelock migrate explains the hand-over step by step, and an agent with --shadow writes nothing",
		"Argo CD in namespace %s works on the same Applications, those of namespace %s", namespace, c.namespace)
	return true
}
