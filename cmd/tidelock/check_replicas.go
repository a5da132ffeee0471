package main

import (
	"context"
	"time"

	"github.com/tidelock-io/tidelock/agent/shard"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lookReplicas looks whether as many replicas divide the Applications as there are to
// be.
func (c *checker) lookReplicas(ctx context.Context, a *area, want int) {
	list, err := c.kube.CoordinationV1().Leases(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: shard.LabelMember})
	if err != nil {
		a.unread("the Leases of replicas", err)
		return
	}
	apart, err := clockOf(ctx, c.cfg)
	if err != nil {
		a.unread("the API server's clock", err)
		return
	}
	alive := 0
	for i := range list.Items {
		if renewed(&list.Items[i], time.Now().Add(apart)) {
			alive++
		}
	}
	switch {
	case alive == 0 && want > 0:
		a.wrong("see the agent's log, and its /readyz", "no replica has a Lease that holds: nobody works on Applications")
	case alive < want:
		a.warn("tidelock replicas -n "+c.namespace+" tells who works on what", "%d of %d replicas have a Lease that holds", alive, want)
	default:
		a.ok("%d replicas divide the Applications", alive)
	}
}

// renewed says that a Lease holds. Clocks of machines may be apart a little.
func renewed(l *coordinationv1.Lease, now time.Time) bool {
	if l.Spec.RenewTime == nil || l.Spec.LeaseDurationSeconds == nil {
		return false
	}
	term := time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	return now.Sub(l.Spec.RenewTime.Time) < term+clocksApart
}
