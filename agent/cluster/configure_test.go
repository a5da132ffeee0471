package cluster

import (
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/health/script"
)

func scripts(t *testing.T, kind, text string) *script.Set {
	t.Helper()
	s, err := script.Compile("test", text, false)
	if err != nil {
		t.Fatal(err)
	}
	return script.NewSet([]script.Entry{{Kind: kind, Script: s}})
}

// A record holds no body, and is made anew if it is to be judged by another script.
// It is as good a baseline as it was.
func TestConfigureJudgesAnew(t *testing.T) {
	w := newWorld(t)
	set := w.git(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}`)
	w.sync(set)
	w.caughtUp(set)
	record := func(i int) *diff.Live { return w.Snapshot(w.app, set)[set[i].Key] }
	if got := record(0).Health; got.Code != "" {
		t.Fatalf("before: %v", got)
	}
	other := record(1)
	w.edit(set[0], `{metadata: {annotations: {state: bad}}}`)

	w.Configure(Rules{Health: scripts(t, "ConfigMap", `return {status = "Degraded", message = obj.metadata.annotations.state}`)})
	w.await("the verdict of the script", func() bool { return record(0).Health == health.Health{Code: api.HealthDegraded, Message: "bad"} })
	w.edit(set[0], `{metadata: {annotations: {state: worse}}}`)
	w.await("the verdict on a change", func() bool { return record(0).Health.Message == "worse" })

	w.Configure(Rules{})
	w.await("no verdict", func() bool { return record(0).Health.Code == "" })
	if got := w.verdicts(set); got != "" {
		t.Errorf("in the end:\n%s", got)
	}
	if record(1) != other {
		t.Error("an object of another kind was read again, too")
	}
}

// An installation that has a name owns what is marked with it, and nothing else
// (SEMANTICS.md 2.4).
func TestInstallation(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`)
	w.sync(set)
	w.caughtUp(set)
	app := func() string { return w.Snapshot(w.app, set)[set[0].Key].App }
	w.Configure(Rules{Installation: "here"})
	w.await("it to be nobody's", func() bool { return app() == "" })
	w.edit(set[0], `{metadata: {annotations: {argocd.argoproj.io/installation-id: there}}}`)
	w.caughtUp(set)
	if got := app(); got != "" {
		t.Errorf("with another id it is of %q", got)
	}
	w.edit(set[0], `{metadata: {annotations: {argocd.argoproj.io/installation-id: here}}}`)
	w.await("it to be ours", func() bool { return app() == w.app })
	w.Configure(Rules{})
	w.caughtUp(set)
	if got := app(); got != w.app {
		t.Errorf("without a name it is of %q", got)
	}
}
