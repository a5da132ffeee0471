package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// Whether somebody has consented to what an operation deletes; it began at 11:00.
func TestConfirmed(t *testing.T) {
	for _, tt := range []struct {
		name, approved string
		want           bool
	}{
		{"nobody has", "", false},
		{"1.6 Prune=confirm: by a time when the operation began", "2026-11-22T11:00:00Z", true},
		{"1.6 Prune=confirm: or later, in any zone", "2026-11-22T13:30:00+02:00", true},
		{"1.6 Prune=confirm: not by an earlier one", "2026-11-22T10:59:59Z", false},
		{"not by what is no time", "yes", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, `{metadata: {annotations: {argocd.argoproj.io/deletion-approved: "`+tt.approved+`"}}, spec: {destination: {}, project: a},
				status: {operationState: {phase: Running, operation: {sync: {}}, startedAt: "2026-11-22T11:00:00Z"}}}`)
			p := passOver(app)
			if got := p.confirmed(p.status.OperationState); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := len(p.consent()) == 1; got != tt.want {
				t.Errorf("an operation that follows: got %v, want %v", got, tt.want)
			}
			noted := &api.OperationState{Operation: api.Operation{Info: p.consent()}}
			if got := p.confirmed(noted); got != tt.want {
				t.Errorf("an operation that notes it: got %v, want %v", got, tt.want)
			}
		})
	}
}

// FuzzApproved: any text is a time, or consents to nothing.
func FuzzApproved(f *testing.F) {
	for _, seed := range []string{"2026-11-22T11:00:00Z", "2026-11-22T11:00:00.5+14:00", "9999-12-31T23:59:59Z", "yes", "", "2026-11-22"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		app := &api.Application{}
		app.Annotations = map[string]string{api.AnnotationDeletionApproved: text}
		p := passOver(app)
		op := &api.OperationState{StartedAt: p.now}
		at := p.approval()
		if p.confirmed(op) != (!at.IsZero() && !at.Before(p.now.Time)) {
			t.Errorf("%q is %s, and confirms: %v", text, at, p.confirmed(op))
		}
		if at.IsZero() && len(api.LintApplication(app)) == 0 && text != "" && !strings.HasPrefix(text, "0001-01-01T00:00:00") {
			t.Errorf("%q is no time, and nobody says so", text)
		}
	})
}

// What outlives its Application.
func TestKeeps(t *testing.T) {
	for _, tt := range []struct{ name, change, want string }{
		{"an object goes", "extra ConfigMap shop/a", "goes"},
		{"2.15 fact 17: a CRD is never deleted in cascade", "extra apiextensions.k8s.io/CustomResourceDefinition -/things.example.com", "stays"},
		{"2.3 the app itself: stays", "extra argoproj.io/Application argocd/shop", "stays"},
		{"another Application goes", "extra argoproj.io/Application argocd/child", "goes"},
		{"1.6 Delete=false: stays", "extra ConfigMap shop/a options=Delete=false", "stays"},
		{"Prune=false is about prunes", "extra ConfigMap shop/a options=Prune=false", "goes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {name: shop, namespace: argocd}, spec: {destination: {}, project: a}}")
			got := map[bool]string{true: "stays", false: "goes"}[passOver(app).keeps(changeIn(t, tt.change))]
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	kept := diff.Change{Key: keyIn("ConfigMap shop/a"), Verdict: diff.Extra, Live: &diff.Live{Keep: true}}
	if !passOver(&api.Application{}).keeps(kept) {
		t.Error("1.6 resource-policy keep: honoured in the cascade, and this object goes")
	}
}

// What an Application asks for and does not get is said (DESIGN.md D13).
func TestUnsupported(t *testing.T) {
	for _, tt := range []struct{ name, app, want string }{
		{"nothing", "{metadata: {}, spec: {destination: {}, project: a}}", "[]"},
		{"1.5 compare-options: ServerSideDiff=false", "{metadata: {annotations: {argocd.argoproj.io/compare-options: 'ServerSideDiff=false, IncludeMutationWebhook=true'}}, spec: {destination: {}, project: a}}",
			"[metadata.annotations[argocd.argoproj.io/compare-options]: ServerSideDiff=false: differences are always the server's word metadata.annotations[argocd.argoproj.io/compare-options]: IncludeMutationWebhook=true: what a webhook changes is no difference]"},
		{"1.5 compare-options: ServerSideDiff=true is how it is", "{metadata: {annotations: {argocd.argoproj.io/compare-options: ServerSideDiff=true}}, spec: {destination: {}, project: a}}", "[]"},
	} {
		if got := fmt.Sprint(api.Unsupported(read[api.Application](t, tt.app))); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}
