// Package node simulates the scheduler and the kubelet of a cluster with one
// node: every Pod is bound to it, runs, becomes ready and, if it is meant to,
// finishes; no image is pulled and no container is started. Annotations on a Pod
// (DelayAnnotation and its neighbours) direct what happens to it.
//
// Start with Node.Run, which decides what to do with a Pod, and statusOf, a pure
// function, which decides what its status is.
package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// workers is how many Pods are looked after at once.
const workers = 4

// A Node is the one node of a cluster.
type Node struct {
	Name   string
	Client kubernetes.Interface

	pods    listers.PodLister
	queue   workqueue.TypedRateLimitingInterface[types.NamespacedName]
	started sync.Map // types.UID of a Pod to the time.Time it was first seen running
}

// Run looks after the cluster's Pods until ctx ends. It returns an error only
// if it could not start.
func (n *Node) Run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(n.Client, 0)
	defer factory.Shutdown()
	informer := factory.Core().V1().Pods()
	n.pods = informer.Lister()
	n.queue = workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](10*time.Millisecond, 30*time.Second))

	if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    n.enqueue,
		UpdateFunc: func(_, pod any) { n.enqueue(pod) },
		DeleteFunc: n.forget,
	}); err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	var group errgroup.Group
	for range workers {
		group.Go(func() error { n.work(ctx); return nil })
	}
	<-ctx.Done()
	n.queue.ShutDown()
	return group.Wait()
}

func (n *Node) enqueue(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		n.queue.Add(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
	}
}

func (n *Node) forget(object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		n.started.Delete(pod.UID)
	}
}

func (n *Node) work(ctx context.Context) {
	for {
		key, shutdown := n.queue.Get()
		if shutdown {
			return
		}
		n.one(ctx, key)
		n.queue.Done(key)
	}
}

// one looks after one Pod, and once more later if that failed. A conflict or a
// Pod that is gone only means that the cache was behind.
func (n *Node) one(ctx context.Context, key types.NamespacedName) {
	err := n.sync(ctx, key)
	if err == nil || apierrors.IsNotFound(err) {
		n.queue.Forget(key)
		return
	}
	if !apierrors.IsConflict(err) && ctx.Err() == nil {
		utilruntime.HandleErrorWithContext(ctx, err, "pod sync", "pod", key)
	}
	n.queue.AddRateLimited(key)
}

func (n *Node) sync(ctx context.Context, key types.NamespacedName) error {
	pod, err := n.pods.Pods(key.Namespace).Get(key.Name)
	if err != nil {
		return err
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return n.remove(ctx, pod)
	case finished(pod):
		return nil
	case pod.Spec.NodeName == "":
		return n.bind(ctx, pod)
	case pod.Spec.NodeName == n.Name:
		return n.run(ctx, pod)
	}
	return nil // someone bound it to a node that is not there
}

// bind schedules a Pod to the node, whatever its constraints.
func (n *Node) bind(ctx context.Context, pod *corev1.Pod) error {
	if len(pod.Spec.SchedulingGates) > 0 {
		return nil
	}
	return n.Client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: n.Name},
	}, metav1.CreateOptions{})
}

// run brings the status of a bound Pod up to date, and comes back when its
// delay is over.
func (n *Node) run(ctx context.Context, pod *corev1.Pod) error {
	now := time.Now()
	started, _ := n.started.LoadOrStore(pod.UID, now)
	status, left := statusOf(pod, now, now.Sub(started.(time.Time)))
	if left > 0 {
		n.queue.AddAfter(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}, left)
	}
	return n.update(ctx, pod, status)
}

// remove lets go of a Pod that is to be deleted. A Pod that would have finished
// has failed now, which is what its Job counts. What finalizers remain is not
// the node's business.
func (n *Node) remove(ctx context.Context, pod *corev1.Pod) error {
	if pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0 {
		return nil
	}
	if finishes(pod) && !finished(pod) {
		if err := n.update(ctx, pod, killedStatus(pod, time.Now())); err != nil {
			return err
		}
	}
	return n.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64),
		Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
	})
}

func (n *Node) update(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	if equality.Semantic.DeepEqual(pod.Status, status) {
		return nil
	}
	pod = pod.DeepCopy() // the original is the cache's
	pod.Status = status
	_, err := n.Client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}
