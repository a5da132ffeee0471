package rival_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/tidelock-io/tidelock/agent/rival"
	"github.com/tidelock-io/tidelock/agent/shard"
)

func TestOurs(t *testing.T) {
	for _, tt := range []struct {
		name string
		look rival.Look
		want bool
	}{
		{"new", rival.Look{}, false},
		{"our own, or another replica's", rival.Look{At: noon, Namespace: "home"}, false},
		{"another's", rival.Look{At: noon, Namespace: "away"}, true},
		{"Argo CD's", rival.Look{At: noon, Namespace: "away", Theirs: true}, false},
		{"nobody says whose", rival.Look{At: noon}, false},
	} {
		if got := rival.Ours(tt.look, "home"); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestJudgeTidelock(t *testing.T) {
	const patience = 4 * time.Minute
	for _, tt := range []struct {
		name  string
		since time.Duration
		state rival.State
		want  string
	}{
		{"it works", time.Hour, rival.Runs, "held 15s"},
		{"it has ended, just now", 0, rival.Stopped, "free"},
		{"it may work", time.Minute, rival.Unseen, "held 15s"},
		{"it may work, for nearly too long", patience, rival.Unseen, "held 1s"},
		{"it has been silent for too long", patience + time.Second, rival.Unseen, "free"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			look := rival.Look{At: noon.Add(-tt.since), Namespace: "away"}
			v := rival.JudgeTidelock(look, "team", "home", tt.state, patience, noon)
			checkVerdict(t, v, tt.want)
			for _, name := range []string{"namespace away", "namespace home", "namespace team"} {
				if v.Held && !strings.Contains(v.Why, name) {
					t.Errorf("%q does not name %s", v.Why, name)
				}
			}
		})
	}
}

// TestLeases: a Tidelock works for as long as a Lease of a replica of it may be held. One
// that has died holds none, and one whose Leases cannot be read may or may not work.
func TestLeases(t *testing.T) {
	lease := func(name, label string, renewed time.Duration) runtime.Object {
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "away", Name: name, Labels: map[string]string{label: "true"}}}
		l.Spec.LeaseDurationSeconds, l.Spec.RenewTime = new(int32(15)), &metav1.MicroTime{Time: noon.Add(-renewed)}
		return l
	}
	for _, tt := range []struct {
		name    string
		objects []runtime.Object
		fails   bool
		want    rival.State
	}{
		{"none", nil, false, rival.Stopped},
		{"of a replica", []runtime.Object{lease("a", shard.LabelMember, 5*time.Second)}, false, rival.Runs},
		{"one of two has died", []runtime.Object{lease("a", shard.LabelMember, time.Hour), lease("b", shard.LabelMember, time.Second)}, false, rival.Runs},
		{"died, by a clock that is late", []runtime.Object{lease("a", shard.LabelMember, 40*time.Second)}, false, rival.Runs},
		{"died long ago", []runtime.Object{lease("a", shard.LabelMember, time.Hour)}, false, rival.Stopped},
		{"somebody else's", []runtime.Object{lease("a", "other", time.Second)}, false, rival.Stopped},
		{"without the right to read them", nil, true, rival.Unseen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			if tt.fails {
				client.PrependReactor("list", "leases", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") })
			}
			lookout := rival.NewLookout(client.AppsV1(), client.CoordinationV1(), func() time.Time { return noon })
			for range 2 {
				if got := lookout.Tidelock(t.Context(), "away", noon.Add(-time.Second)); got != tt.want {
					t.Errorf("%v, want %v", got, tt.want)
				}
			}
			if asked := len(client.Actions()); asked != 1 {
				t.Errorf("%d requests, want 1", asked)
			}
		})
	}
}
