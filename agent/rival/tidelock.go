package rival

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/shard"
)

// Ours says that the last look at an Application was that of a Tidelock in another
// namespace than home. Replicas of one installation are in one namespace.
func Ours(look Look, home string) bool {
	return !look.Theirs && !look.At.IsZero() && look.Namespace != "" && look.Namespace != home
}

// JudgeTidelock says whether an Application of a namespace is that of another Tidelock,
// which was the last to look at it. For as long as that works it holds Leases; if those
// cannot be read, it is taken to be gone when it has noted no look for patience.
func JudgeTidelock(look Look, namespace, home string, state State, patience time.Duration, now time.Time) Verdict {
	silence := now.Sub(look.At)
	if state == Stopped || state == Unseen && silence > patience {
		return Verdict{}
	}
	v := Verdict{
		true, fmt.Sprintf("the Tidelock in namespace %[1]s works on this Application, too, so that the one in namespace %[2]s does nothing about it, for two would undo each other's work: take namespace %[3]s out of --application-namespaces of one of them, or stop one", look.Namespace, home, namespace), pause,
	}
	if state == Unseen {
		v.Again = min(pause, patience-silence+time.Second)
	}
	return v
}

// skew is by how much the clocks of two machines may differ.
const skew = 30 * time.Second

// Tidelock is whether one works in a namespace, by the Leases of its replicas, and was not
// seen before a look at an Application.
func (l *Lookout) Tidelock(ctx context.Context, namespace string, after time.Time) State {
	return l.tidelocks.of(ctx, namespace, l.now, after, l.members).app
}

// members looks at the Leases of a namespace.
func (l *Lookout) members(ctx context.Context, namespace string) sight {
	list, err := l.leases.Leases(namespace).List(ctx, metav1.ListOptions{LabelSelector: shard.LabelMember})
	if err != nil {
		return sight{}
	}
	for i := range list.Items {
		if holds(&list.Items[i], l.now()) {
			return sight{app: Runs}
		}
	}
	return sight{app: Stopped}
}

// holds says that a Lease may still be somebody's. Who has it renews it several times in
// its term.
func holds(lease *coordinationv1.Lease, now time.Time) bool {
	s := lease.Spec
	if s.RenewTime == nil || s.LeaseDurationSeconds == nil {
		return true
	}
	return now.Before(s.RenewTime.Add(time.Duration(*s.LeaseDurationSeconds)*time.Second + skew))
}
