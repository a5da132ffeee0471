package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

// A half is one of two replicas, of which each asks the other: what they say goes
// through JSON, as between processes.
type half struct {
	mine  func(app types.NamespacedName) bool
	other *Reconciler // nil does not answer
}

func (h *half) Mine(app types.NamespacedName) bool { return h.mine(app) }

func (h *half) Ask(_ context.Context, objects []Located) (looks []Look) {
	if h.other == nil {
		return nil
	}
	raw, err := json.Marshal(h.other.Looks(objects))
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(raw, &looks); err != nil {
		panic(err)
	}
	return looks
}

// divided gives Applications to another replica, which it returns.
func divided(p *pass, names ...string) *Reconciler {
	theirs := func(app types.NamespacedName) bool { return slices.Contains(names, app.Name) }
	other := New(Config{Namespace: "argocd", Now: func() time.Time { return p.now.Time }, Replicas: &half{mine: theirs}})
	p.r.Replicas = &half{func(app types.NamespacedName) bool { return !theirs(app) }, other}
	return other
}

// stateAt has an application state ConfigMaps at a revision.
func stateAt(t *testing.T, r *Reconciler, name, states, revision string) {
	t.Helper()
	l := stating(t, states)
	l.server, l.sources, l.revisions = api.InClusterServer, []api.Source{{RepoURL: "r"}}, []string{revision}
	r.claims.found(name, 0, l)
}

// TestGivenUpElsewhere: an object of another replica's Application is taken over when
// that one is known not to state it any more, and not before.
func TestGivenUpElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		other  func(t *testing.T, r *Reconciler)
		want   bool
		silent bool
	}{
		{"it states it", func(t *testing.T, r *Reconciler) { stateAt(t, r, "other", "a b", "new") }, false, false},
		{"it has given it up", func(t *testing.T, r *Reconciler) { stateAt(t, r, "other", "b", "new") }, true, false},
		{"as of an older commit", func(t *testing.T, r *Reconciler) { stateAt(t, r, "other", "b", "old") }, false, false},
		{"its repository has moved", func(t *testing.T, r *Reconciler) {
			stateAt(t, r, "other", "b", "new")
			r.claims.moved([]string{"other"})
		}, false, false},
		{"it was not looked at yet", func(*testing.T, *Reconciler) {}, false, false},
		{"its replica does not answer", func(t *testing.T, r *Reconciler) { stateAt(t, r, "other", "b", "new") }, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(appIn(t, "web", ""))
			p.among(appIn(t, "other", ""))
			p.r.Wake = func(types.NamespacedName) {}
			other := divided(p, "other")
			stateAt(t, p.r, "web", "a", "new")
			tt.other(t, other)
			if tt.silent {
				p.r.Replicas.(*half).other = nil
			}
			changes := []diff.Change{{Key: configMap("a"), Verdict: diff.Foreign, Live: &diff.Live{Key: configMap("a"), App: "other"}}}
			p.inherit(t.Context(), changes)
			if got := changes[0].Verdict == diff.Update; got != tt.want {
				t.Errorf("taken over: %v", got)
			}
		})
	}
}

// TestClaimedElsewhere: who states an object by now is found among the Applications of
// another replica, by what that says, and by their status.
func TestClaimedElsewhere(t *testing.T) {
	const states = `status: {resources: [{version: v1, kind: ConfigMap, namespace: shop, name: a}]}`
	for _, tt := range []struct{ name, status, look, want string }{
		{"neither", "", "b", "map[]"},
		{"by its look", "", "a", "map[ConfigMap shop/a:[other]]"},
		{"by its status", states, "", "map[ConfigMap shop/a:[other]]"},
		{"by both", states, "a", "map[ConfigMap shop/a:[other]]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(appIn(t, "web", ""))
			app := appIn(t, "other", tt.status)
			p.among(app)
			other := divided(p, "other")
			if tt.look != "" {
				stateAt(t, other, "other", tt.look, "new")
			}
			p.r.Heard(nameOf(app))
			p.ask(t.Context(), []manifest.Key{configMap("a")})
			if got := fmt.Sprint(p.claimed([]manifest.Key{configMap("a")})); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestHeard: what an Application of another replica comes to state, or gives up, and any
// other news of it, is told to those whom it concerns; and when it falls to this one,
// what was known by its status goes.
func TestHeard(t *testing.T) {
	var woken []string
	p := passOver(appIn(t, "web", ""))
	app := appIn(t, "other", "")
	p.among(app)
	divided(p, "other")
	p.r.Wake = func(name types.NamespacedName) { woken = append(woken, name.Name) }
	stateAt(t, p.r, "web", "a", "new")
	told := func() string {
		p.r.Heard(nameOf(app))
		defer func() { woken = nil }()
		return strings.Join(woken, " ")
	}
	res := api.ResourceStatus{Version: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	for _, step := range []struct {
		name   string
		change func()
		want   string
	}{
		{"nothing", func() {}, ""},
		{"it states another object", func() {
			app.Status.Resources = []api.ResourceStatus{{Version: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "b"}}
		}, ""},
		{"it states the same", func() { app.Status.Resources = append(app.Status.Resources, res) }, "web"},
		{"once more", func() {}, ""},
		{"it is to prune it", func() { app.Status.Resources[1].RequiresPruning = true }, "web"},
		{"somebody waits for it", func() { p.r.hear("web", "other") }, ""},
		{"and it has changed", func() { app.ResourceVersion = "7" }, "web"},
	} {
		step.change()
		if got := told(); got != step.want {
			t.Errorf("%s: told %q, want %q", step.name, got, step.want)
		}
	}
	p.r.Replicas = nil // it is ours now
	stateAt(t, p.r, "other", "c", "new")
	if got := p.r.claims.others("web", api.InClusterServer, []manifest.Key{configMap("a"), configMap("b")}); len(got) > 0 || len(p.r.claims.abroad) > 0 {
		t.Errorf("of its status is left %v, %v", got, p.r.claims.abroad)
	}
}

// forgetful keeps nothing.
type forgetful struct{ Pipeline }

func (forgetful) Forget(string) {}

// TestRelease: nothing stays of an Application that went to another replica, and nobody
// takes it for deleted.
func TestRelease(t *testing.T) {
	p := passOver(appIn(t, "web", ""))
	p.among(appIn(t, "other", ""))
	p.r.Pipeline = forgetful{}
	p.r.meet("other", "1")
	p.r.meet("web", "2")
	stateAt(t, p.r, "other", "a", "new")
	stateAt(t, p.r, "web", "b", "new")
	released := p.r.Release(func(app types.NamespacedName) bool { return app.Name == "other" })
	if fmt.Sprint(released) != "[argocd/other]" {
		t.Errorf("released %v", released)
	}
	if _, known := p.r.claims.look("other"); known || p.r.claims.hasLeft("other") || p.r.claims.states("other", located{api.InClusterServer, configMap("a")}) {
		t.Error("something is left of it")
	}
	if _, known := p.r.claims.look("web"); !known {
		t.Error("nothing is left of another")
	}
	p.r.Left(types.NamespacedName{Namespace: "argocd", Name: "other"})
	if !p.r.claims.hasLeft("other") {
		t.Error("it was deleted, and nobody knows")
	}
}
