package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/install"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// lookInstallation compares what runs with what would be installed.
func (c *checker) lookInstallation(ctx context.Context, a *area) {
	if c.noDeployment != nil {
		a.unread("the agent's Deployment", c.noDeployment)
		return
	}
	command := c.installCommand()
	if c.deployment == nil {
		a.wrong(command+", or name the namespace of the agent with -n", "no agent is installed in namespace %s: there is no Deployment with label %s", c.namespace, selectorOfAgent)
		return
	}
	c.lookFlags(a)
	c.lookDeployment(ctx, a)
	c.lookParts(ctx, a, command)
	c.lookRights(ctx, a)
}

// installCommand installs what there is anew.
func (c *checker) installCommand() string {
	return "tidelock install -n " + c.namespace + " --no-crds" + c.options.Flags() + " | kubectl apply --server-side -f -"
}

func (c *checker) lookFlags(a *area) {
	switch {
	case c.options.ShadowDryRuns && c.options.Shadow:
		a.ok("the agent looks on at Argo CD (--shadow, --shadow-dry-runs)")
	case c.options.Shadow:
		a.ok("the agent looks on at Argo CD (--shadow)")
	}
	if c.unknown != nil {
		a.wrong("see tidelock agent --help", "the agent's arguments cannot be read: %v", c.unknown)
	}
	if named := c.agentNamespace(); named != c.namespace {
		a.warn("give --namespace="+c.namespace+" among its arguments, unless a variable does", "the agent is told to look for Applications in namespace %s, and runs in %s", named, c.namespace)
	}
}

// lookDeployment looks at what runs.
func (c *checker) lookDeployment(ctx context.Context, a *area) {
	d := c.deployment
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	switch {
	case want == 0:
		a.wrong("kubectl -n "+d.Namespace+" scale deployment "+d.Name+" --replicas 1", "Deployment %s has no replicas: nobody works", d.Name)
	case d.Status.ReadyReplicas < want:
		a.wrong("tidelock support-bundle -n "+d.Namespace+" collects what is needed to find out why", "%d of %d replicas of Deployment %s are ready", d.Status.ReadyReplicas, want, d.Name)
		c.lookPods(ctx, a)
	case !rolledOut(d):
		a.warn("wait: kubectl -n "+d.Namespace+" rollout status deployment "+d.Name, "Deployment %s is being rolled out", d.Name)
	default:
		a.ok("%d of %d replicas of Deployment %s are ready", d.Status.ReadyReplicas, want, d.Name)
	}
	if !c.options.Shadow { // which has no Lease
		c.lookReplicas(ctx, a, int(want))
	}
	tag, ours := tagOf(c.container.Image), imageTag()
	if tag != ours && ours != "latest" {
		a.warn("tidelock install -n "+c.namespace+" prints what belongs to this version", "the agent runs %s, and this program is %s", c.container.Image, ours)
		return
	}
	a.ok("the agent runs %s", c.container.Image)
}

func rolledOut(d *appsv1.Deployment) bool {
	return d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas >= d.Status.Replicas
}

// tagOf is the tag of an image, or its digest.
func tagOf(image string) string {
	if _, digest, ok := strings.Cut(image, "@"); ok {
		return digest
	}
	last := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}

// lookPods says why Pods are not ready.
func (c *checker) lookPods(ctx context.Context, a *area) {
	list, err := c.kube.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if err != nil {
		a.unread("the agent's Pods", err)
		return
	}
	for i := range list.Items {
		if why := whyNotReady(&list.Items[i]); why != "" {
			a.wrong("kubectl -n "+c.namespace+" describe pod "+list.Items[i].Name, "Pod %s is not ready: %s", list.Items[i].Name, why)
		}
	}
}

// whyNotReady is "" for a Pod that is ready.
func whyNotReady(pod *corev1.Pod) string {
	var why []string
	for _, s := range pod.Status.ContainerStatuses {
		switch last := s.LastTerminationState.Terminated; {
		case s.Ready:
		case s.State.Waiting != nil && last != nil:
			why = append(why, fmt.Sprintf("%s, after exit status %d (%s), restarted %d times", s.State.Waiting.Reason, last.ExitCode, last.Reason, s.RestartCount))
		case s.State.Waiting != nil:
			why = append(why, strings.TrimSpace(s.State.Waiting.Reason+" "+s.State.Waiting.Message))
		default:
			why = append(why, "its /readyz says no: its log tells why")
		}
	}
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
	if i >= 0 {
		why = append(why, pod.Status.Conditions[i].Message)
	}
	ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
	if len(why) == 0 && !ready {
		return "it is " + string(pod.Status.Phase)
	}
	return strings.Join(why, "; ")
}

// lookParts looks whether the other objects of an installation are there.
func (c *checker) lookParts(ctx context.Context, a *area, command string) {
	objects, err := install.Objects(c.options)
	if err != nil {
		a.unread("what belongs to an installation with the agent's flags", err)
		return
	}
	client, err := dynamic.NewForConfig(c.cfg)
	if err != nil {
		a.unread("the installation", err)
		return
	}
	for _, o := range objects {
		u := &unstructured.Unstructured{Object: o}
		if strings.Contains(u.GetKind(), "Role") || u.GetKind() == "Deployment" {
			continue // what matters is the rights: see lookRights
		}
		_, err := client.Resource(install.ResourceOf(o)).Namespace(u.GetNamespace()).Get(ctx, u.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) && u.GetKind() == "ServiceAccount" || apierrors.IsNotFound(err) && u.GetKind() == "Namespace":
			a.wrong(command, "there is no %s %s", u.GetKind(), u.GetName())
		case apierrors.IsNotFound(err):
			a.warn(command, "there is no %s %s", u.GetKind(), u.GetName())
		case err != nil:
			a.unread(u.GetKind()+" "+u.GetName(), err)
		default:
			a.ok("%s %s", u.GetKind(), u.GetName())
		}
	}
}
