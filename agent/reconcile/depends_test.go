package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	comparedTo = `comparedTo: {source: {repoURL: r}, destination: {server: "https://kubernetes.default.svc", namespace: shop}}`
	ready      = `status: {sync: {status: Synced, ` + comparedTo + `}, health: {status: Healthy}}`
)

// Why a sync does not begin yet, by what is known of the one that it depends on.
func TestUnmet(t *testing.T) {
	const on = `annotations: {tidelock.io/depends-on: db}`
	for _, tt := range []struct{ name, own, other, look, want string }{
		{"it depends on nobody", "", "", "", ""},
		{"all is well", on, ready, "at new", ""},
		{"it is not there", on, "-", "", "waits for argocd/db, which does not exist"},
		{"its status is not enough", on, ready, "", "waits for argocd/db, which has not been looked at since the agent began"},
		{"nor is an old look", on, ready, "at new stale", "waits for argocd/db, which has not been looked at since its repository moved"},
		{"nor one at another commit", on, ready, "at old", "waits for argocd/db, which has not been compared at the same commit yet"},
		{"but if an operation chose that", on, ready, "at old pinned", ""},
		{"it is not healthy", on, strings.Replace(ready, "Healthy", "Degraded", 1), "at new", "waits for argocd/db, which is Degraded"},
		{"nobody looks at it", on, ready + "\nannotations: {argocd.argoproj.io/skip-reconcile: 'true'}", "", ""},
		{"the list cannot be read", `annotations: {tidelock.io/depends-on: "a b"}`, ready, "at new", depend.ErrList.Error()},
		{"a circle", `annotations: {tidelock.io/depends-on: web}`, ready, "at new", "waits for itself: argocd/web depends on argocd/web"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(appIn(t, "web", tt.own))
			if p.among(); tt.other != "-" {
				p.among(appIn(t, "db", tt.other))
			}
			own, _ := lookOf(t, "at new")
			p.r.claims.looks["web"] = own
			if l, ok := lookOf(t, tt.look); ok {
				l.reported = l.revisions
				p.r.claims.looks["db"] = l
			}
			p.rounds()
			_, got := p.unmet(t.Context())
			if got != tt.want && (tt.want == "" || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// An operation waits for its dependencies for as long as for anything else, from
// when it begins to: not from when it was asked for, behind a closed window.
func TestDependsWaits(t *testing.T) {
	for _, tt := range []struct {
		name, op string
		minutes  []int
		want     string // of each minute: phase
	}{
		{"somebody asked for it, ten hours ago", `{phase: Running, startedAt: "2026-11-22T02:00:00Z", operation: {sync: {}}, syncResult: {revision: new}}`,
			[]int{0, 30, 59, 61}, "Running Running Running Failed"},
		{"it ignores them", `{phase: Running, startedAt: "2026-11-22T12:00:00Z", operation: {info: [{name: tidelock.io/ignore-dependencies, value: "true"}], sync: {}}, syncResult: {revision: new}}`,
			[]int{0}, "goes on"},
		{"a dry run", `{phase: Running, startedAt: "2026-11-22T12:00:00Z", operation: {sync: {dryRun: true}}, syncResult: {revision: new}}`, []int{0}, "goes on"},
		{"it has begun", `{phase: Running, startedAt: "2026-11-22T12:00:00Z", operation: {sync: {}}, syncResult: {revision: new, resources: [{kind: ConfigMap, name: a, namespace: shop, group: "", version: v1, status: Synced}]}}`,
			[]int{0}, "goes on"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := appIn(t, "web", "annotations: {tidelock.io/depends-on: db}")
			app.Status.OperationState = read[api.OperationState](t, tt.op)
			p := passOver(app)
			p.among()
			var got []string
			for _, minute := range tt.minutes {
				p.now = metav1.NewTime(at.Add(time.Duration(minute) * time.Minute))
				if !p.depends(t.Context(), p.status.OperationState) {
					got = append(got, "goes on")
					continue
				}
				got = append(got, string(p.status.OperationState.Phase))
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %s, want %s; %s", text, tt.want, p.status.OperationState.Message)
			}
		})
	}
	automatic := &api.OperationState{Operation: api.Operation{Sync: &api.SyncOperation{}, InitiatedBy: api.Initiator{Automated: true}}}
	p := passOver(appIn(t, "web", "annotations: {tidelock.io/depends-on: db}"))
	p.among()
	if !p.depends(t.Context(), automatic) || p.status.OperationState != nil || !p.report.has(ConditionDependencyWarning) {
		t.Errorf("an automatic operation: %+v, %+v; want that it does not begin, and a condition", p.status.OperationState, p.report)
	}
}
