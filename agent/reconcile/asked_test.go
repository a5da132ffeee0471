package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
)

const (
	requestedOp = `{sync: {revision: asked}}`
	manualOp    = `{phase: Running, operation: {sync: {revision: bound}}, startedAt: "2026-11-22T11:00:00Z"}`
	automaticOp = `{phase: Running, operation: {sync: {revision: bound}, initiatedBy: {automated: true}}, startedAt: "2026-11-22T11:00:00Z"}`
)

// To what revisions an Application is compared, by the operation that is asked for
// and the one that runs.
func TestPinned(t *testing.T) {
	for _, tt := range []struct{ name, requested, running, want string }{
		{"nothing asked for: what the sources point at", `null`, `null`, ""},
		{"1.7 operation revision: is synced in place of the source's", requestedOp, `null`, "asked"},
		{"1.7 operation revisions: in the order of the sources", `{sync: {revisions: [a, b]}}`, `null`, "a b"},
		{"2.1 state: a running operation is resumed at its concrete revision", `null`, manualOp, "bound"},
		{"a running operation counts before one that waits", requestedOp, manualOp, "bound"},
		{"an automatic one follows the sources", `null`, automaticOp, ""},
		{"2.15 fact 3: a retry keeps its revision", `null`, strings.Replace(manualOp, "phase", `finishedAt: "2026-11-22T11:01:00Z", phase`, 1), "bound"},
		{"1.4 retry.refresh: each retry takes the newest revision", `null`,
			`{phase: Running, finishedAt: "2026-11-22T11:01:00Z", operation: {sync: {revision: bound}, retry: {refresh: true}}, startedAt: "2026-11-22T11:00:00Z"}`, ""},
		{"and keeps to it while it runs", `null`, `{phase: Running, operation: {sync: {revision: bound}, retry: {refresh: true}}, startedAt: "2026-11-22T11:00:00Z"}`, "bound"},
		{"one that has ended binds nothing", `null`, strings.Replace(manualOp, "Running", "Succeeded", 1), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a}, operation: "+tt.requested+", status: {operationState: "+tt.running+"}}")
			running := app.Status.OperationState
			if got := strings.Join(pinned(asked(app, running), retrying(running)), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWithSources(t *testing.T) {
	const one, two = `{repoURL: one, path: p}`, `{repoURL: two, path: q}`
	for _, tt := range []struct{ name, spec, operation, want string }{
		{"its own", "source: " + one, `{sync: {}}`, "one"},
		{"no operation", "source: " + one, `null`, "one"},
		{"1.7 operation source: in the place of the spec's", "source: " + one, `{sync: {source: ` + two + `}}`, "two"},
		{"1.7 operation sources: in the place of the spec's", "sources: [" + one + "]", `{sync: {sources: [` + two + `, ` + one + `]}}`, "two one"},
		{"2.14 rollback: a source of before there were several", "sources: [" + one + ", " + two + "]", `{sync: {source: ` + two + `}}`, "two"},
		{"of a hydrated application", "sourceHydrator: {drySource: {repoURL: d, path: p, targetRevision: m}, syncSource: {path: p, targetBranch: b}}", `{sync: {source: ` + two + `}}`, "two"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, "+tt.spec+"}, operation: "+tt.operation+"}")
			before := app.DeepCopy()
			var got []string
			for _, s := range withSources(app, app.Operation).Spec.AllSources() {
				got = append(got, s.RepoURL)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !equality.Semantic.DeepEqual(before.Spec, app.Spec) {
				t.Error("the spec was changed")
			}
		})
	}
}

// What an operation takes from the spec: options, and whether it is retried.
func TestBare(t *testing.T) {
	for _, tt := range []struct{ name, operation, want string }{
		{"2.15 fact 14: a bare patch takes the options of spec.syncPolicy (DESIGN 4)", `{sync: {}}`, "CreateNamespace=true, retries 3, prune false"},
		{"with options of its own", `{sync: {syncOptions: [Replace=true]}}`, "Replace=true, retries 0, prune false"},
		{"with a retry of its own", `{sync: {}, retry: {limit: 1}}`, "CreateNamespace=true, retries 1, prune false"},
		{"1.7 bare operation: of a named person it is taken at its word", `{sync: {prune: true}, initiatedBy: {username: ann}}`, "CreateNamespace=true, retries 0, prune true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, `{metadata: {}, spec: {destination: {}, project: a, source: {repoURL: r, path: p}, syncPolicy: {automated: {prune: true}, syncOptions: [CreateNamespace=true], retry: {limit: 3}}}}`)
			state := passOver(app).open(*read[api.Operation](t, tt.operation), desiredAt("one"))
			op := state.Operation
			if got := fmt.Sprintf("%s, retries %d, prune %v", strings.Join(op.Sync.SyncOptions, " "), op.Retry.Limit, op.Sync.Prune); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What becomes of an operation whose desired state cannot be made.
func TestBroken(t *testing.T) {
	for _, tt := range []struct{ name, requested, running, want string }{
		{"nobody asked", `null`, `null`, "-"},
		{"2.1 step 1: an operation that cannot be compared for fails, and is cleared", requestedOp, `null`, "Error no such branch taken"},
		{"or is retried", `{sync: {}, retry: {limit: 1}}`, `null`, "Running no such branch; retry 1 in 5s taken"},
		{"one that runs", `null`, manualOp, "Error no such branch"},
		{"an automatic one waits", `null`, automaticOp, "Running "},
		{"while a retry waits, nothing is counted", `null`,
			`{phase: Running, message: waits, finishedAt: "2026-11-22T11:59:58Z", retryCount: 1, operation: {sync: {}, retry: {limit: 9}}, startedAt: "2026-11-22T11:00:00Z"}`, "Running waits"},
		{"no sync at all", `{}`, `null`, "Error no such branch taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a}, operation: "+tt.requested+", status: {operationState: "+tt.running+"}}"))
			p.broken("no such branch")
			got := "-"
			if op := p.status.OperationState; op != nil {
				got = string(op.Phase) + " " + op.Message
			}
			if p.taken {
				got += " taken"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
