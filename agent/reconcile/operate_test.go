package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/window"
)

func desiredAt(revisions ...string) *Desired {
	return &Desired{Rendered: &pipeline.Rendered{Revisions: revisions}}
}

// The operation of an automatic sync, as others read it in status.
func TestAutomatic(t *testing.T) {
	const drifted = "drift ConfigMap shop/a\nsame ConfigMap shop/b\nextra ConfigMap shop/c\nforeign ConfigMap shop/d\nrefused ConfigMap shop/e"
	for _, tt := range []struct {
		name, policy string
		decision     decision
		want         string
	}{
		{"1.4 automated.prune: its operations prune", `{automated: {prune: true}}`, decision{},
			`{"sync":{"prune":true},"initiatedBy":{"automated":true},"retry":{"limit":5}}`},
		{"2.15 fact 4: without a retry block five times", `{automated: {}}`, decision{}, `{"sync":{},"initiatedBy":{"automated":true},"retry":{"limit":5}}`},
		{"1.4 syncOptions: are copied", `{automated: {}, syncOptions: [PruneLast=true], retry: {limit: 2}}`, decision{},
			`{"sync":{"syncOptions":["PruneLast=true"]},"initiatedBy":{"automated":true},"retry":{"limit":2}}`},
		{"2.15 fact 1: a heal names only what has drifted", `{automated: {prune: true, selfHeal: true}}`, decision{heal: true, attempts: 3},
			`{"sync":{"prune":true,"resources":[{"kind":"ConfigMap","name":"a","namespace":"shop"},{"kind":"ConfigMap","name":"c","namespace":"shop"}],"autoHealAttemptsCount":3},"initiatedBy":{"automated":true},"retry":{"limit":5}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, syncPolicy: "+tt.policy+"}}")
			got, err := json.Marshal(passOver(app).automatic(tt.decision, changesIn(t, drifted)))
			if err != nil || string(got) != tt.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

// Whether hooks run, and whether the history remembers it.
func TestWhole(t *testing.T) {
	for _, tt := range []struct{ name, sync, want string }{
		{"a sync of all", `{}`, "hooks true, history true"},
		{"with the strategy hook", `{syncStrategy: {hook: {force: true}}}`, "hooks true, history true"},
		{"2.1 selective sync: no hooks, no history", `{resources: [{kind: ConfigMap, name: a}]}`, "hooks false, history false"},
		{"2.1 syncStrategy.apply: no hooks", `{syncStrategy: {apply: {}}}`, "hooks false, history true"},
		{"1.7 history: not of a dry run", `{dryRun: true}`, "hooks true, history false"},
		{"2.15 fact 1: a self-heal runs no hooks and writes no history", `{resources: [{kind: ConfigMap, name: a}], autoHealAttemptsCount: 1}`, "hooks false, history false"},
		{"1.6 ApplyOutOfSyncOnly: hooks still run, history is still written", `{syncOptions: [ApplyOutOfSyncOnly=true]}`, "hooks true, history true"},
	} {
		op := &api.OperationState{Operation: api.Operation{Sync: read[api.SyncOperation](t, tt.sync)}}
		if got := fmt.Sprintf("hooks %v, history %v", withHooks(op.Operation.Sync), full(op)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSuperseded(t *testing.T) {
	source := `{repoURL: "https://git.example/shop.git", path: shop}`
	for _, tt := range []struct {
		name, source, state string
		want                bool
	}{
		{"4 supersede: a newer commit", source, `{operation: {sync: {}, initiatedBy: {automated: true}}, syncResult: {revision: old, source: ` + source + `}}`, true},
		{"the same commit", source, `{operation: {sync: {}, initiatedBy: {automated: true}}, syncResult: {revision: new, source: ` + source + `}}`, false},
		{"another source", `{repoURL: other, path: shop}`, `{operation: {sync: {}, initiatedBy: {automated: true}}, syncResult: {revision: new, source: ` + source + `}}`, true},
		{"4 supersede: what somebody asked for is not", source, `{operation: {sync: {}}, syncResult: {revision: old, source: ` + source + `}}`, false},
	} {
		text := strings.Replace(tt.state, "{operation", `{phase: Running, startedAt: "2026-11-22T11:00:00Z", operation`, 1)
		app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, source: "+tt.source+"}, status: {operationState: "+text+"}}")
		p := passOver(app)
		if got := p.superseded(p.status.OperationState, desiredAt("new")); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What an operation is bound to, as others read it in status.
func TestBind(t *testing.T) {
	for _, tt := range []struct{ name, spec, operation, revisions, want string }{
		{"1.7 syncResult: revision and source", "source: {repoURL: r, path: p}", `{sync: {}}`, "a",
			`sync {"revision":"a"} result {"revision":"a","source":{"repoURL":"r","path":"p"}}`},
		{"1.7 syncResult: revisions and sources", "sources: [{repoURL: r, path: p}, {repoURL: s, path: q}]", `{sync: {}}`, "a b",
			`sync {"revisions":["a","b"]} result {"revision":"","sources":[{"repoURL":"r","path":"p"},{"repoURL":"s","path":"q"}],"revisions":["a","b"]}`},
		{"2.14 rollback: the sources of the history", "source: {repoURL: r, path: p}", `{sync: {revision: a, source: {repoURL: old, path: q}}}`, "a",
			`sync {"revision":"a","source":{"repoURL":"old","path":"q"}} result {"revision":"a","source":{"repoURL":"old","path":"q"}}`},
		{"1.7 syncResult.managedNamespaceMetadata: with CreateNamespace", "source: {repoURL: r, path: p}, syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {labels: {a: b}}}", `{sync: {}}`, "a",
			`sync {"revision":"a","syncOptions":["CreateNamespace=true"]} result {"revision":"a","source":{"repoURL":"r","path":"p"},"managedNamespaceMetadata":{"labels":{"a":"b"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, "+tt.spec+"}}")
			state := passOver(app).open(*read[api.Operation](t, tt.operation), desiredAt(strings.Fields(tt.revisions)...))
			sync, err := json.Marshal(state.Operation.Sync)
			if err != nil {
				t.Fatal(err)
			}
			result, err := json.Marshal(state.SyncResult)
			if got := fmt.Sprintf("sync %s result %s", sync, result); err != nil || got != tt.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

// When a failed operation is tried again: it stays Running, with finishedAt.
func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name, retry string
		count       int64
		want        string
	}{
		{"1.4 retry.limit: none for a manual sync", `{}`, 0, "ends"},
		{"2.15 fact 25: a pending retry is Running with finishedAt", `{limit: 2}`, 0, "Running, finished, retry 1, boom; retry 1 in 5s, waits 5s"},
		{"2.15 fact 2: the first wait is the duration (DESIGN 4), the second times the factor", `{limit: 2}`, 1, "Running, finished, retry 2, boom; retry 2 in 10s, waits 10s"},
		{"the limit is reached", `{limit: 2}`, 2, "ends"},
		{"1.4 retry.limit: negative is without end", `{limit: -1}`, 40, "Running, finished, retry 41, boom; retry 41 in 3m0s, waits 3m0s"},
		{"1.4 retry.backoff: bare numbers are seconds, maxDuration bounds", `{limit: 9, backoff: {duration: "7", factor: 3, maxDuration: 1m}}`, 1, "Running, finished, retry 2, boom; retry 2 in 21s, waits 21s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(&api.Application{})
			op := &api.OperationState{Phase: api.OperationRunning, FinishedAt: &p.now, RetryCount: tt.count, Operation: api.Operation{Retry: *read[api.Retry](t, tt.retry)}}
			got := "ends"
			if p.retry(op, "boom") {
				got = fmt.Sprintf("%s, %s, retry %d, %s, waits %s", op.Phase, map[bool]string{true: "finished"}[op.FinishedAt != nil], op.RetryCount, op.Message, p.restOf(op))
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		name, annotation string
		flag             time.Duration
		want             string
	}{
		{"1.4 sync timeout: none by default", "", 0, "Running, again in 0s"},
		{"1.4 sync timeout: of the agent, from startedAt on", "", 50 * time.Minute, "Failed: the operation has not ended within 50m0s: waiting for a Job"},
		{"not yet", "", 70 * time.Minute, "Running, again in 10m0s"},
		{"of the Application", "59m", 0, "Failed: the operation has not ended within 59m0s: waiting for a Job"},
		{"the Application's before the agent's", "2h", time.Minute, "Running, again in 1h0m0s"},
		{"no duration", "soon", 0, "Running, again in 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, `{metadata: {}, spec: {destination: {}, project: a}, status: {operationState: {phase: Running, message: waiting for a Job, operation: {sync: {}}, retryCount: 3, startedAt: "2026-11-22T11:00:00Z"}}}`)
			if tt.annotation != "" {
				app.Annotations = map[string]string{api.AnnotationSyncTimeout: tt.annotation}
			}
			p := passOver(app)
			p.tuned = &Tuning{SyncTimeout: tt.flag}
			op := p.status.OperationState
			ended := p.deadline(op)
			got := fmt.Sprintf("%s, again in %s", op.Phase, p.again)
			if ended {
				got = fmt.Sprintf("%s: %s", op.Phase, op.Message)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// An operation that waits for a window from its beginning is looked at again when its
// time is over, not only when something happens.
func TestDeadlineOfAnOperationThatWaits(t *testing.T) {
	app := read[api.Application](t, `{metadata: {annotations: {tidelock.io/sync-timeout: 1s}}, spec: {destination: {}, project: a}, operation: {sync: {}}}`)
	p := passOver(app)
	schedule, err := window.Compile([]api.SyncWindow{{Kind: api.WindowDeny, Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.windows = schedule.For(window.TargetOf(app))
	p.operate(t.Context(), desiredAt("one"), nil)
	if op := p.status.OperationState; op == nil || op.Phase != api.OperationRunning || p.again != time.Second {
		t.Errorf("the operation is %+v, and the next pass in %s", op, p.again)
	}
}

// What an operation's options and the Application's policy make of the plan.
func TestPolicy(t *testing.T) {
	for _, tt := range []struct{ name, policy, sync, want string }{
		{"nothing", "null", `{}`, "prune false last false never false confirm false empty false only 0"},
		{"1.7 operation prune: is the operation's own", "{automated: {prune: true}}", `{}`, "prune false last false never false confirm false empty false only 0"},
		{"1.6 PruneLast: for all", "null", `{prune: true, syncOptions: [PruneLast=true]}`, "prune true last true never false confirm false empty false only 0"},
		{"1.6 Prune=false: for all", "null", `{prune: true, syncOptions: [Prune=false]}`, "prune true last false never true confirm false empty false only 0"},
		{"1.6 Prune=confirm: for all", "null", `{prune: true, syncOptions: [Prune=confirm]}`, "prune true last false never false confirm true empty false only 0"},
		{"1.4 automated.allowEmpty: lets all be pruned", "{automated: {allowEmpty: true}}", `{}`, "prune false last false never false confirm false empty true only 0"},
		{"1.7 operation resources: only these", "null", `{resources: [{kind: A, name: a}, {group: g, kind: B, name: b, namespace: n}]}`, "prune false last false never false confirm false empty false only 2"},
		{"1.6 exact words: PruneLast=True is no option", "null", `{prune: true, syncOptions: [PruneLast=True]}`, "prune true last false never false confirm false empty false only 0"},
	} {
		app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, syncPolicy: "+tt.policy+"}}")
		op := &api.OperationState{Operation: api.Operation{Sync: read[api.SyncOperation](t, tt.sync)}}
		if got := policyText(passOver(app).policy(op)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func policyText(p plan.Policy) string {
	return fmt.Sprintf("prune %v last %v never %v confirm %v empty %v only %d", p.Prune, p.PruneLast, p.PruneNever, p.PruneConfirm, p.AllowEmpty, len(p.Only))
}
