package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Who is told news: whoever has seen the Application otherwise, be that at first
// or of late; and nobody who is gone.
func TestHearing(t *testing.T) {
	var woken []string
	p := passOver(appIn(t, "db", ""))
	p.among()
	r := p.r
	r.Wake = func(name types.NamespacedName) { woken = append(woken, name.Name) }
	told := func() string {
		r.show("db")
		defer func() { woken = nil }()
		return strings.Join(woken, " ")
	}
	r.hear("web", "db")
	if got := told(); got != "" {
		t.Errorf("told without news: %s", got)
	}
	p.app.Status = *read[api.ApplicationStatus](t, `{sync: {status: OutOfSync}}`)
	r.hear("web", "db") // in the middle of the pass that changes it
	if got := told(); got != "web" {
		t.Errorf("told %q, want web, which has seen it before the change", got)
	}
	if got := told(); got != "" {
		t.Errorf("told twice: %s", got)
	}
	r.hear("web", "db")
	r.hear("web", "nobody")
	r.hearing.forget("web")
	if len(r.hearing.seen) != 0 {
		t.Errorf("still heard: %v", r.hearing.seen)
	}
}

// What is kept of names does not grow with all Applications that ever were.
func TestClaimsForget(t *testing.T) {
	c := newClaims()
	c.moved([]string{"never looked at"})
	c.forget("never looked at")
	for i := range mostLeft + 5 {
		name := strings.Repeat("x", i%60) + time.Duration(i).String()
		c.found(name, 0, stating(t, ""))
		c.forget(name)
	}
	if len(c.moves) != 0 || len(c.looks) != 0 || len(c.left) != mostLeft {
		t.Errorf("%d moves, %d looks, %d left", len(c.moves), len(c.looks), len(c.left))
	}
}

// What is wrong about annotations is said, whether something asks for them or not,
// and once.
func TestLegible(t *testing.T) {
	for _, tt := range []struct{ annotations, want string }{
		{`{}`, ""},
		{`{tidelock.io/sync-timeout: 5m, tidelock.io/hook-timeout: 1h, argocd.argoproj.io/deletion-approved: "2026-11-22T11:00:00Z"}`, ""},
		{`{tidelock.io/sync-timeout: "5"}`, `annotation tidelock.io/sync-timeout: "5" is no duration such as 90s or 15m: it does not count`},
		{`{argocd.argoproj.io/deletion-approved: "true"}`, `annotation argocd.argoproj.io/deletion-approved: "true" is no time such as 2026-11-22T11:00:00Z: it does not count`},
	} {
		p := passOver(appIn(t, "web", "annotations: "+tt.annotations))
		for range 2 {
			p.legible()
		}
		if got := p.report.of(api.ConditionInvalidSpecError); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.annotations, got, tt.want)
		}
	}
}

// The end of an operation is stored before a request that cannot be carried out
// takes its place.
func TestBrokenAfterAnEnd(t *testing.T) {
	app := appIn(t, "web", "")
	app.Status.OperationState = read[api.OperationState](t, `{phase: Running, startedAt: "2026-11-22T11:00:00Z", operation: {sync: {}}}`)
	app.Operation = &api.Operation{Sync: &api.SyncOperation{}}
	p := passOver(app)
	p.written = *app.Status.DeepCopy()
	p.conclude(p.status.OperationState, api.OperationFailed, "Operation terminated")
	p.broken("no such path")
	if op := p.status.OperationState; p.taken || op.Message != "Operation terminated" || p.again == 0 {
		t.Errorf("taken %v, again in %s, %+v", p.taken, p.again, op)
	}
}

// Hooks go in the name that the project says, or stay: not by the agent's own
// rights.
func TestTidyInWhoseName(t *testing.T) {
	p := passOver(appIn(t, "web", ""))
	p.among()
	p.tuned.Impersonate = true
	if err := p.authority(); err == nil || p.apply != nil {
		t.Errorf("%v, %v: want an error, for no ServiceAccount is named", err, p.apply)
	}
	if err := p.authority(); err == nil {
		t.Error("asked again, somebody may")
	}
}

// Deletions that are approved go on when some of them are done.
func TestApprove(t *testing.T) {
	changes := changesIn(t, "extra PersistentVolumeClaim shop/data\nsame ConfigMap shop/b\nextra ConfigMap shop/a")
	left := changes[:2]
	op := &api.OperationState{Operation: api.Operation{Sync: &api.SyncOperation{Prune: true}}, StartedAt: metav1.NewTime(at)}
	held := func(p *pass, changes []diff.Change) bool { return planOf(p, op, changes).Guard != "" }
	p := passOver(appIn(t, "web", `annotations: {tidelock.io/approve: other}`))
	if p.approve(op, "", changes); !held(p, changes) {
		t.Fatal("another plan was approved")
	}
	p.app.Annotations[api.AnnotationApprove] = planOf(p, op, changes).Hash()
	if held(p, changes) || !held(p, left) {
		t.Fatal("not what the annotation names")
	}
	if p.approve(op, "", changes); held(p, left) {
		t.Errorf("what is left is held, though it was approved: %v", op.Operation.Info)
	}
	if p.approve(op, "", changes); len(op.Operation.Info) != 1 {
		t.Errorf("noted %v", op.Operation.Info)
	}
}

func planOf(p *pass, op *api.OperationState, changes []diff.Change) plan.Plan {
	return plan.Build(changes, nil, p.policy(op))
}
