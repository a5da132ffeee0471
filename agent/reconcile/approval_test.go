package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Who demands approval: the project or the Application, and the one cannot take back
// what the other says.
func TestDemandOf(t *testing.T) {
	for _, tt := range []struct{ name, project, app, want string }{
		{"nobody", "{}", "{}", ""},
		{"the project", `{tidelock.io/require-approval: "true"}`, "{}", "AppProject prod"},
		{"the Application", "{}", `{tidelock.io/require-approval: "true"}`, "the Application"},
		{"the Application cannot switch it off", `{tidelock.io/require-approval: "true"}`, `{tidelock.io/require-approval: "false"}`, "AppProject prod"},
		{"false", `{tidelock.io/require-approval: "false"}`, `{tidelock.io/require-approval: "false"}`, ""},
		{"a slip of the pen closes", `{tidelock.io/require-approval: "yes"}`, "{}", "AppProject prod"},
		{"so does nothing at all", `{tidelock.io/require-approval: ""}`, "{}", "AppProject prod"},
	} {
		app := &api.Application{ObjectMeta: metav1.ObjectMeta{Annotations: *read[map[string]string](t, tt.app)}}
		project := &api.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "prod", Annotations: *read[map[string]string](t, tt.project)}}
		if got := demandOf(app, project); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// protected is a pass over an Application that needs approval, at commit "new".
func protected(t *testing.T, annotations, state string) *pass {
	t.Helper()
	app := read[api.Application](t, `{metadata: {name: shop, annotations: `+annotations+`}, spec: {destination: {namespace: shop}, project: prod, source: {repoURL: r, path: p}}}`)
	if state != "" {
		app.Status.OperationState = read[api.OperationState](t, state)
	}
	p := passOver(app)
	p.demand = "AppProject prod"
	return p
}

func asOperation(t *testing.T, text string) *api.OperationState {
	t.Helper()
	return &api.OperationState{Operation: *read[api.Operation](t, text), Phase: api.OperationRunning, StartedAt: metav1.NewTime(at), SyncResult: &api.SyncResult{}}
}

func TestJudgeApproval(t *testing.T) {
	const rows = "create ConfigMap shop/a\nupdate ConfigMap shop/b\nextra ConfigMap shop/c"
	hash := func(operation, rows, revision string) string {
		p := protected(t, "{}", "")
		return p.planOf(asOperation(t, operation), desiredAt(revision), changesIn(t, rows), nil).Hash()
	}
	prunes := hash("{sync: {prune: true}}", rows, "new")
	for _, tt := range []struct{ name, annotations, operation, rows, want string }{
		{"nobody has approved", "{}", "{sync: {prune: true}}", rows,
			"sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: HASH"},
		{"approved", "{tidelock.io/approve: HASH}", "{sync: {prune: true}}", rows, "approved"},
		{"approved in the operation", "{}", "{sync: {prune: true}, info: [{name: tidelock.io/approve, value: HASH}]}", rows, "approved"},
		{"what the operation names counts alone", "{tidelock.io/approve: HASH}", "{sync: {prune: true}, info: [{name: tidelock.io/approve, value: other}]}", rows,
			`sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: HASH ("other", which is approved, is another plan)`},
		{"the note of the agent is no approval", "{}", "{sync: {prune: true}, info: [{name: tidelock.io/approved, value: HASH}]}", rows,
			"sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: HASH"},
		{"one step less is another plan", "{tidelock.io/approve: " + prunes + "}", "{sync: {}}", rows,
			`sync is held: AppProject prod demands approval of a sync to new in 2 steps: approve with annotation tidelock.io/approve: HASH ("` + prunes + `", which is approved, is another plan)`},
		{"other options are another plan", "{tidelock.io/approve: " + prunes + "}", "{sync: {prune: true, syncOptions: [Replace=true]}}", rows,
			`sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: HASH ("` + prunes + `", which is approved, is another plan)`},
		{"force is another plan", "{tidelock.io/approve: " + prunes + "}", "{sync: {prune: true, syncStrategy: {hook: {force: true}}}}", rows,
			`sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: HASH ("` + prunes + `", which is approved, is another plan)`},
		{"nothing to do", "{}", "{sync: {}}", "same ConfigMap shop/a", ""},
		{"but perhaps a namespace to make", "{}", "{sync: {syncOptions: [CreateNamespace=true]}}", "same ConfigMap shop/a",
			"sync is held: AppProject prod demands approval of a sync to new in 0 steps: approve with annotation tidelock.io/approve: HASH"},
		{"a dry run", "{}", "{sync: {dryRun: true}}", rows, ""},
		{"nobody knows what there is to do", "{tidelock.io/approve: HASH}", "{sync: {}}", "ask ConfigMap shop/a",
			"sync is held: AppProject prod demands approval, and it cannot be told yet of what: the API server does not say how ConfigMap shop/a stands"},
	} {
		hash := hash(tt.operation, tt.rows, "new")
		named := func(text string) string { return strings.ReplaceAll(text, "HASH", hash) }
		p := protected(t, named(tt.annotations), "")
		op := asOperation(t, named(tt.operation))
		got := p.judgeApproval(op, desiredAt("new"), p.planOf(op, desiredAt("new"), changesIn(t, tt.rows), nil))
		text := got.lacks
		if got.hash != "" {
			text = "approved"
		}
		if text != named(tt.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, text, named(tt.want))
		}
		if text == "approved" && got.hash != hash {
			t.Errorf("%s: approved by %s", tt.name, got.hash)
		}
	}
	if hash("{sync: {prune: true}}", rows, "newer") == prunes {
		t.Error("a newer commit hashes as the same plan")
	}
}

// What of an Application is in the hash, besides the steps.
func TestSubject(t *testing.T) {
	op := asOperation(t, "{sync: {}}")
	base := protected(t, "{}", "").subjectOf(op, desiredAt("new"))
	for _, tt := range []struct {
		name   string
		change func(*api.ApplicationSpec)
		same   bool
	}{
		{"the path", func(s *api.ApplicationSpec) { s.Source.Path = "q" }, false},
		{"an image that the spec sets", func(s *api.ApplicationSpec) { s.Source.Kustomize = &api.KustomizeSource{Images: []string{"web:2"}} }, false},
		{"the destination", func(s *api.ApplicationSpec) { s.Destination.Namespace = "other" }, false},
		{"the cluster", func(s *api.ApplicationSpec) { s.Destination.Server = "https://west" }, false},
		{"the namespace's labels", func(s *api.ApplicationSpec) {
			s.SyncPolicy = &api.SyncPolicy{ManagedNamespaceMetadata: &api.ManagedNamespaceMetadata{Labels: map[string]string{"a": "b"}}}
		}, false},
		{"how often it is tried", func(s *api.ApplicationSpec) { s.SyncPolicy = &api.SyncPolicy{Retry: &api.Retry{Limit: 9}} }, true},
	} {
		p := protected(t, "{}", "")
		tt.change(&p.app.Spec)
		p.to.dest = p.app.Spec.Destination.Resolved()
		if got := p.subjectOf(op, desiredAt("new")) == base; got != tt.same {
			t.Errorf("%s: the same %v, want %v", tt.name, got, tt.same)
		}
	}
}

// An operation that began with approval goes on, however its plan has shrunk; not at
// other commits, nor from other sources.
func TestCarriesOn(t *testing.T) {
	const (
		approved = `info: [{name: tidelock.io/approved, value: abc}], `
		result   = `syncResult: {revision: new, source: {repoURL: r, path: p}`
		done     = `, resources: [{group: "", version: v1, kind: ConfigMap, namespace: shop, name: a, status: Synced}]`
		running  = `phase: Running, startedAt: "2026-11-22T11:00:00Z", `
		retries  = `finishedAt: "2026-11-22T11:00:00Z", `
	)
	for _, tt := range []struct {
		name, state, revision string
		want                  bool
	}{
		{"approved, and perhaps killed", "{operation: {" + approved + "sync: {}}, " + running + result + "}}", "new", true},
		{"approved, and retried", "{operation: {" + approved + "sync: {}}, " + running + retries + result + done + "}}", "new", true},
		{"approved for another commit", "{operation: {" + approved + "sync: {}}, " + running + result + "}}", "newer", false},
		{"approved for another source", "{operation: {" + approved + "sync: {}}, " + running + "syncResult: {revision: new, source: {repoURL: r, path: q}}}", "new", false},
		{"approved, and bound to nothing", "{operation: {" + approved + "sync: {}}, " + running + "syncResult: {revision: ''}}", "new", false},
		{"not approved", "{operation: {sync: {}}, " + running + result + "}}", "new", false},
		{"only its deletions were approved", "{operation: {info: [{name: tidelock.io/approved, value: deletions}], sync: {}}, " + running + result + "}}", "new", false},
		{"begun before approval was demanded", "{operation: {sync: {}}, " + running + result + done + "}}", "new", true},
		{"its next try is not begun", "{operation: {sync: {}}, " + running + retries + result + done + "}}", "new", false},
	} {
		p := protected(t, "{}", tt.state)
		if got := p.carriesOn(p.status.OperationState, desiredAt(tt.revision)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What becomes of an operation that nobody has approved of.
func TestAwaitApproval(t *testing.T) {
	lacks := approval{lacks: "sync is held: so", other: true}
	shown := func(op *api.OperationState) string {
		if op == nil {
			return "none"
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s", op.Phase, op.Message))
	}
	for _, tt := range []struct {
		name, operation, want string
		age                   time.Duration
	}{
		{"an automatic one is not begun", "{sync: {}, initiatedBy: {automated: true}}", "none", 0},
		{"one that was asked for waits", "{sync: {}}", "Running sync is held: so", 0},
		{"but not for ever", "{sync: {}}", "Error not approved within 1h0m0s (tidelock.io/sync-timeout): sync is held: so", time.Hour},
		{"one with an approval is refused", "{sync: {}, info: [{name: tidelock.io/approve, value: other}]}", "Error sync is held: so", 0},
	} {
		p := protected(t, "{}", "")
		op := asOperation(t, tt.operation)
		op.StartedAt = metav1.NewTime(at.Add(-tt.age))
		p.awaitApproval(op, lacks)
		if got := shown(p.status.OperationState); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if got := p.report.of(ConditionApprovalWarning); got != lacks.lacks {
			t.Errorf("%s: condition %q", tt.name, got)
		}
	}
}

// The agent's note of an approval is its own: who asks for an operation cannot bring
// it along.
func TestApprovedIsTheAgents(t *testing.T) {
	p := protected(t, "{}", "")
	op := p.requested(*read[api.Operation](t, "{sync: {}, info: [{name: tidelock.io/approved, value: abc}, {name: a, value: b}]}"), desiredAt("new"))
	if approved(op) || infoOf(op, "a") != "b" {
		t.Errorf("info %v", op.Operation.Info)
	}
	p.app.Operation = read[api.Operation](t, "{sync: {}, retry: {limit: 1}, info: [{name: tidelock.io/approved, value: abc}]}")
	if p.broken("no such path"); approved(p.status.OperationState) {
		t.Errorf("brought along to a later try: %v", p.status.OperationState.Operation.Info)
	}
	p.app.Operation = nil
	p.approve(op, "abc", nil)
	p.approve(op, "def", nil)
	if !approved(op) || len(op.Operation.Info) != 2 || infoOf(op, api.AnnotationApproved) != "def" {
		t.Errorf("info %v", op.Operation.Info)
	}
}

func TestAwaitsApproval(t *testing.T) {
	const message = "sync is held: AppProject prod demands approval of a sync to new in 3 steps: approve with annotation tidelock.io/approve: abc"
	for _, tt := range []struct {
		name, state, hash string
		want              bool
	}{
		{"of this plan", "{operation: {sync: {}}, phase: Running, message: '" + message + "'", "abc", true},
		{"with a word more", "{operation: {sync: {}}, phase: Running, message: '" + message + ` ("x", which is approved, is another plan)'`, "abc", true},
		{"of another", "{operation: {sync: {}}, phase: Running, message: '" + message + "'", "ab", false},
		{"not any more", "{operation: {sync: {}}, phase: Error, message: '" + message + "'", "abc", false},
		{"something else", "{operation: {sync: {}}, phase: Running, message: waiting", "abc", false},
	} {
		op := read[api.OperationState](t, tt.state+`, startedAt: "2026-11-22T11:00:00Z"}`)
		if got := AwaitsApproval(op, tt.hash); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A self-heal that has to be approved of is a sync of the whole, as people are shown
// it, and is paced all the same.
func TestHealOfProtected(t *testing.T) {
	p := protected(t, "{}", `{operation: {sync: {}}, phase: Succeeded, startedAt: "2026-11-22T11:00:00Z", syncResult: {revision: new, source: {repoURL: r, path: p}}}`)
	p.app.Spec.SyncPolicy = read[api.SyncPolicy](t, "{automated: {selfHeal: true}}")
	op := p.current(desiredAt("new"), changesIn(t, "drift ConfigMap shop/a"))
	if op == nil || len(op.Operation.Sync.Resources) != 0 || op.Operation.Sync.SelfHealAttemptsCount != 1 {
		t.Errorf("got %+v", op)
	}
}

// An operation that was approved stays at its commits, whatever comes.
func TestApprovedOperation(t *testing.T) {
	const state = `{operation: {sync: {}, initiatedBy: {automated: true}, retry: {refresh: true}, info: [{name: tidelock.io/approved, value: abc}]}, phase: PHASE, startedAt: "2026-11-22T11:00:00Z", syncResult: {revision: old, source: {repoURL: r, path: p}}}`
	p := protected(t, "{}", strings.Replace(state, "PHASE", "Running", 1))
	if op := p.approvedOperation(); op == nil || boundRevisions(op)[0] != "old" {
		t.Errorf("got %+v", op)
	}
	p.demand = ""
	if op := p.approvedOperation(); op != nil {
		t.Errorf("nobody demands it any more, and got %+v", op)
	}
	p = protected(t, "{}", strings.Replace(state, "PHASE", "Succeeded", 1))
	if op := p.approvedOperation(); op != nil {
		t.Errorf("it has ended, and got %+v", op)
	}
}
