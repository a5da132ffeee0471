package rival

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/typed/apps/v1"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// lasting is for how long what was seen is taken to be so, and maxSeen how many
// namespaces it is known of.
const (
	lasting = 5 * time.Second
	maxSeen = 64
)

// A Lookout sees whether Argo CD's controllers run, by their workloads, and other Tidelocks,
// by their Leases.
type Lookout struct {
	client          v1.AppsV1Interface
	leases          coordinationv1client.LeasesGetter
	now             func() time.Time
	argo, tidelocks sights
}

// NewLookout returns one that lists workloads and Leases, if the clients may.
func NewLookout(client v1.AppsV1Interface, leases coordinationv1client.LeasesGetter, now func() time.Time) *Lookout {
	return &Lookout{client: client, leases: leases, now: now, argo: newSights(), tidelocks: newSights()}
}

// sights are what was seen in namespaces.
type sights struct {
	turn *semaphore.Weighted // held by who looks: who comes meanwhile is content with the same answer
	seen map[string]sight    // guarded by turn
}

// A sight is what there was to be seen: of who works on Applications, and of who keeps
// ApplicationSets.
type sight struct {
	app, set State
	at       time.Time
}

func newSights() sights {
	return sights{turn: semaphore.NewWeighted(1), seen: map[string]sight{}}
}

// State is what is to be seen of Argo CD's application controller in a namespace, and was
// not before a look at an Application. If ctx ends before, nothing is.
func (l *Lookout) State(ctx context.Context, namespace string, after time.Time) State {
	return l.argo.of(ctx, namespace, l.now, after, l.look).app
}

// SetState is that of its applicationset controller.
func (l *Lookout) SetState(ctx context.Context, namespace string, after time.Time) State {
	return l.argo.of(ctx, namespace, l.now, after, l.look).set
}

// of is what is known of a namespace, or else what a look finds.
func (s *sights) of(ctx context.Context, namespace string, clock func() time.Time, after time.Time, look func(ctx context.Context, namespace string) sight) sight {
	if s.turn.Acquire(ctx, 1) != nil {
		return sight{}
	}
	defer s.turn.Release(1)
	now := clock()
	if known, ok := s.seen[namespace]; ok && now.Sub(known.at) < lasting && known.at.After(after) {
		return known
	}
	found := look(ctx, namespace)
	if ctx.Err() != nil {
		return sight{} // which says nothing to others
	}
	if len(s.seen) >= maxSeen {
		clear(s.seen)
	}
	found.at = now
	s.seen[namespace] = found
	return found
}

// look goes by the labels that Argo CD's manifests, its chart and its operator give.
func (l *Lookout) look(ctx context.Context, namespace string) (s sight) {
	part := metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=argocd"}
	sets, err := l.client.StatefulSets(namespace).List(ctx, part)
	if err != nil {
		return s
	}
	deployments, err := l.client.Deployments(namespace).List(ctx, part)
	if err != nil {
		return s
	}
	see := func(meta *metav1.ObjectMeta, wanted *int32, there int32) {
		s.app = s.app.and("application-controller", meta, wanted, there)
		s.set = s.set.and("applicationset-controller", meta, wanted, there)
	}
	for _, w := range sets.Items {
		see(&w.ObjectMeta, w.Spec.Replicas, w.Status.Replicas)
	}
	for _, w := range deployments.Items {
		see(&w.ObjectMeta, w.Spec.Replicas, w.Status.Replicas)
	}
	return s
}

// and adds a workload to what was seen of a controller. One that is scaled to nothing runs
// for as long as a Pod of it does.
func (s State) and(controller string, meta *metav1.ObjectMeta, wanted *int32, there int32) State {
	name := meta.Labels["app.kubernetes.io/name"]
	if meta.Labels["app.kubernetes.io/component"] != controller && !strings.HasSuffix(name, "-"+controller) {
		return s
	}
	if s == Runs || wanted == nil || *wanted > 0 || there > 0 {
		return Runs
	}
	return Stopped
}
