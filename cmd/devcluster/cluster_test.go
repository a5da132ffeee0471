package main

import (
	"bytes"
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/cmd/devcluster/node"
)

// TestCluster asks one cluster for what people would apply to it.
func TestCluster(t *testing.T) {
	c := startT(t, t.TempDir())
	for name, test := range map[string]func(*testing.T, *cluster){
		"access":            testAccess,
		"deployment":        testDeployment,
		"statefulset":       testStatefulSet,
		"daemonset":         testDaemonSet,
		"job":               testJob,
		"job deleted early": testJobDeleted,
		"namespace":         testNamespace,
		"dump":              testDump,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

// testDeployment: it becomes available, does not while its image is missing or
// its Pods are not ready, and leaves no Pod when it is deleted.
func testDeployment(t *testing.T, c *cluster) {
	ctx, deployments := t.Context(), c.AppsV1().Deployments("default")
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	d.Spec.Replicas, d.Spec.Selector, d.Spec.Template = new(int32(2)), selector("web"), template("web", "", nil)
	if _, err := deployments.Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	available := func(ctx context.Context) (bool, error) {
		d, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation &&
			d.Status.UpdatedReplicas == 2 && d.Status.AvailableReplicas == 2 && d.Status.Replicas == 2, err
	}
	until(t, "web is available", available)

	pods := podsOf(t, c, "web")
	if len(pods) != 2 || pods[0].Status.PodIP == pods[1].Status.PodIP {
		t.Errorf("want two pods with addresses of their own, got %v", pods)
	}

	edit(t, c, "web", `{"spec":{"template":{"metadata":{"annotations":{"`+node.ReadyAnnotation+`":"false"}}}}}`)
	until(t, "an updated pod runs and is not ready", func(context.Context) (bool, error) {
		return countPods(podsOf(t, c, "web"), func(p corev1.Pod) bool {
			return p.Annotations[node.ReadyAnnotation] != "" && p.Status.Phase == corev1.PodRunning && !ready(p)
		}) > 0, nil
	})
	edit(t, c, "web", `{"spec":{"template":{"metadata":{"annotations":null},"spec":{"containers":[{"name":"main","image":"main:does-not-exist"}]}}}}`)
	until(t, "an updated pod waits for its image", func(context.Context) (bool, error) {
		return countPods(podsOf(t, c, "web"), func(p corev1.Pod) bool {
			s := p.Status.ContainerStatuses
			return len(s) > 0 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "ImagePullBackOff"
		}) > 0, nil
	})
	edit(t, c, "web", `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"main:2"}]}}}}`)
	until(t, "web is available again", available)

	if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	until(t, "web and its pods are gone", func(ctx context.Context) (bool, error) {
		_, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		return apierrors.IsNotFound(err) && len(podsOf(t, c, "web")) == 0, nil
	})
}

func testStatefulSet(t *testing.T, c *cluster) {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db"}}
	set.Spec.Replicas, set.Spec.Selector, set.Spec.Template = new(int32(2)), selector("db"), template("db", "", nil)
	if _, err := c.AppsV1().StatefulSets("default").Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	allReady := func(ctx context.Context) (bool, error) {
		set, err := c.AppsV1().StatefulSets("default").Get(ctx, "db", metav1.GetOptions{})
		return err == nil && set.Status.ReadyReplicas == 2, err
	}
	until(t, "db is ready", allReady)

	first := podsOf(t, c, "db")[0]
	if err := c.CoreV1().Pods("default").Delete(t.Context(), first.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the deleted pod is another, and ready", func(ctx context.Context) (bool, error) {
		pod, err := c.CoreV1().Pods("default").Get(ctx, first.Name, metav1.GetOptions{})
		return err == nil && pod.UID != first.UID && ready(*pod), err
	})
}

func testDaemonSet(t *testing.T, c *cluster) {
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "log"}}
	set.Spec.Selector, set.Spec.Template = selector("log"), template("log", "", nil)
	if _, err := c.AppsV1().DaemonSets("default").Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "log is available on the node", func(ctx context.Context) (bool, error) {
		set, err := c.AppsV1().DaemonSets("default").Get(ctx, "log", metav1.GetOptions{})
		return err == nil && set.Status.DesiredNumberScheduled == 1 && set.Status.NumberAvailable == 1, err
	})
}

func testJob(t *testing.T, c *cluster) {
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		want        batchv1.JobConditionType
	}{
		{"succeeds", nil, batchv1.JobComplete},
		{"succeeds-late", map[string]string{node.DelayAnnotation: "300ms", node.ExitCodeAnnotation: "0"}, batchv1.JobComplete},
		{"fails", map[string]string{node.ExitCodeAnnotation: "1"}, batchv1.JobFailed},
		{"fails-late", map[string]string{node.DelayAnnotation: "300ms", node.ExitCodeAnnotation: "1"}, batchv1.JobFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			createJob(t, c, tt.name, tt.annotations)
			var got batchv1.JobConditionType
			until(t, "the job is over", func(ctx context.Context) (bool, error) {
				job, err := c.BatchV1().Jobs("default").Get(ctx, tt.name, metav1.GetOptions{})
				for _, condition := range job.Status.Conditions {
					if condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed {
						got = condition.Type
					}
				}
				return got != "", err
			})
			if got != tt.want {
				t.Errorf("the job is %s, want %s", got, tt.want)
			}
		})
	}
}

// testJobDeleted: a Job whose Pod still runs goes when it is deleted, although
// the Job controller's finalizer is on the Pod.
func testJobDeleted(t *testing.T, c *cluster) {
	createJob(t, c, "endless", map[string]string{node.DelayAnnotation: "1h"})
	until(t, "the pod runs", func(context.Context) (bool, error) {
		return countPods(podsOf(t, c, "endless"), ready) == 1, nil
	})
	err := c.BatchV1().Jobs("default").Delete(t.Context(), "endless", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "job and pod are gone", func(ctx context.Context) (bool, error) {
		_, err := c.BatchV1().Jobs("default").Get(ctx, "endless", metav1.GetOptions{})
		return apierrors.IsNotFound(err) && len(podsOf(t, c, "endless")) == 0, nil
	})
}

func createJob(t *testing.T, c *cluster, name string, annotations map[string]string) {
	t.Helper()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}}
	job.Spec.BackoffLimit, job.Spec.Template = new(int32(0)), template(name, corev1.RestartPolicyNever, annotations)
	if _, err := c.BatchV1().Jobs("default").Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// testNamespace: it gets its service account and root certificate, and its
// deletion, with a Pod in it, finishes.
func testNamespace(t *testing.T, c *cluster) {
	ctx, namespaces := t.Context(), c.CoreV1().Namespaces()
	if _, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "it has a service account and the root certificate", func(ctx context.Context) (bool, error) {
		if _, err := c.CoreV1().ServiceAccounts("shop").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return false, err
		}
		_, err := c.CoreV1().ConfigMaps("shop").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err == nil, err
	})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "alone"}, Spec: template("", "", nil).Spec}
	if _, err := c.CoreV1().Pods("shop").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the pod is ready", func(ctx context.Context) (bool, error) {
		pod, err := c.CoreV1().Pods("shop").Get(ctx, "alone", metav1.GetOptions{})
		return err == nil && ready(*pod), err
	})
	if err := namespaces.Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := namespaces.Get(ctx, "shop", metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}

// testDump: what a Secret holds stands in the dump, below its key, and so does
// the last of more objects than fit in a page.
func testDump(t *testing.T, c *cluster) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "canary"}, Data: map[string][]byte{"password": []byte("plain-\xff-canary")}}
	if _, err := c.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	many := dumpPage + 1
	for range many {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "many-"}}
		if _, err := c.CoreV1().ConfigMaps("default").Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := devcluster("dump", "--dir", c.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := bytes.Cut(out, []byte("\n/registry/secrets/default/canary\n"))
	value, _, _ := bytes.Cut(below, []byte("\n/registry/"))
	if !found || !bytes.Contains(value, secret.Data["password"]) {
		t.Errorf("the secret's value is %q", value)
	}
	if got := bytes.Count(out, []byte("\n/registry/configmaps/default/many-")); got != many {
		t.Errorf("%d config maps, want %d", got, many)
	}
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// template is a Pod with one container. An empty policy is the default.
func template(app string, policy corev1.RestartPolicy, annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}, Annotations: annotations},
		Spec: corev1.PodSpec{
			RestartPolicy: policy,
			Containers:    []corev1.Container{{Name: "main", Image: "main:1"}},
		},
	}
}

func edit(t *testing.T, c *cluster, deployment, patch string) {
	t.Helper()
	_, err := c.AppsV1().Deployments("default").Patch(t.Context(), deployment, "application/strategic-merge-patch+json", []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func podsOf(t *testing.T, c *cluster, app string) []corev1.Pod {
	t.Helper()
	list, err := c.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func countPods(pods []corev1.Pod, is func(corev1.Pod) bool) (n int) {
	for _, pod := range pods {
		if is(pod) {
			n++
		}
	}
	return n
}

func ready(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
