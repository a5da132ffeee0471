package reconcile

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/settings"
)

// What is set anew counts for passes that begin then, and for no other.
func TestTune(t *testing.T) {
	r := New(Config{Refresh: 3 * time.Minute, Impersonate: true, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	app := &api.Application{}
	before := r.begin(app, r.goalOf(app))
	r.Tune(Tuning{Refresh: time.Minute, Insist: true, SyncTimeout: time.Hour})
	after := r.begin(app, r.goalOf(app))
	if before.pace.Interval != 3*time.Minute || !before.impersonates() || before.tuned.SyncTimeout != 0 {
		t.Errorf("a pass that has begun: %+v, %+v", before.pace, before.tuned)
	}
	if after.pace.Interval != time.Minute || after.impersonates() || after.tuned.SyncTimeout != time.Hour {
		t.Errorf("the next pass: %+v, %+v", after.pace, after.tuned)
	}
	r.Settings = func() *settings.Settings {
		return settings.Read(map[string]string{"timeout.reconciliation": "5m", "application.sync.impersonation.enabled": "true"}, nil)
	}
	if p := r.begin(app, r.goalOf(app)); p.pace.Interval != time.Minute || !p.impersonates() {
		t.Errorf("with argocd-cm: %+v, impersonates: %t", p.pace, p.impersonates())
	}
	r.Tune(Tuning{Refresh: time.Minute})
	if p := r.begin(app, r.goalOf(app)); p.pace.Interval != 5*time.Minute {
		t.Errorf("argocd-cm does not count: %+v", p.pace)
	}
}
