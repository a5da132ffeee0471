package reconcile

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/settings"
)

// An exploding store panics with a secret.
type exploding struct{ Store }

func (exploding) Rules(string) (*project.Rules, error) { panic("hunter2-canary") }

// A panic is a condition of one Application, which says where and not what.
func TestPanicIsACondition(t *testing.T) {
	var log bytes.Buffer
	p := passOver(appIn(t, "web", "{}"))
	p.app.Spec.Source = &api.Source{RepoURL: "https://git.example/web.git", Path: "web"}
	p.app.Spec.Destination.Server = api.InClusterServer
	p.among()
	p.r.ignores, p.settings = map[string]ignored{}, &settings.Settings{}
	p.r.Store, p.log = exploding{}, slog.New(slog.NewJSONHandler(&log, nil))
	p.guarded(t.Context())
	got := p.report.of(api.ConditionComparisonError)
	if !strings.HasPrefix(got, "pass: internal error: panic with a string in ") || !strings.Contains(got, "exploding.Rules (guarded_test.go:") {
		t.Errorf("got %q", got)
	}
	if p.status.Sync.Status != api.SyncCodeUnknown || !p.failed {
		t.Errorf("sync %s, to be tried again %t", p.status.Sync.Status, p.failed)
	}
	if text := log.String(); !strings.Contains(text, "exploding.Rules (guarded_test.go:") || strings.Contains(text+got, "hunter2") {
		t.Errorf("logged %s", text)
	}
}

// What others make of objects and send back may quote a secret. The status does
// not, and what the next pass works with is as it was.
func TestDiscreet(t *testing.T) {
	p := passOver(appIn(t, "web", "{}"))
	p.r.Redact = func(app, text string) string {
		if app != "web" {
			t.Errorf("asked about %s", app)
		}
		return strings.ReplaceAll(text, "hunter2", "(hidden)")
	}
	said := "webhook denied hunter2"
	shared := []api.ResourceStatus{{Name: "a"}, {Name: "b", Health: &api.HealthStatus{Message: said}}, {Name: "c", Health: &api.HealthStatus{Message: "well"}}}
	p.status.Resources = shared
	p.status.Health.Message = said
	p.status.Conditions = []api.Condition{{Message: said}, {Message: "all is well"}}
	p.status.OperationState = &api.OperationState{Message: said, SyncResult: &api.SyncResult{Resources: []api.ResourceResult{{Message: said}}}}
	for range 2 { // the same again
		p.discreet()
	}
	const want = "webhook denied (hidden)"
	op := p.status.OperationState
	for where, got := range map[string]string{
		"health": p.status.Health.Message, "condition": p.status.Conditions[0].Message, "operation": op.Message,
		"result": op.SyncResult.Resources[0].Message, "resource": p.status.Resources[1].Health.Message,
	} {
		if got != want {
			t.Errorf("%s: got %q", where, got)
		}
	}
	if shared[1].Health.Message != said || p.status.Conditions[1].Message != "all is well" || p.status.Resources[2].Health != shared[2].Health {
		t.Error("it changed what it should not")
	}
}
