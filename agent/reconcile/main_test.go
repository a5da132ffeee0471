package reconcile

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// read decodes YAML, and fails on a field that is not there.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	v := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// passOver is a pass over an Application that has no cluster: for what it decides
// by what it holds.
func passOver(app *api.Application) *pass {
	return &pass{
		r:   New(Config{Synced: func(*api.Application, *api.OperationState) {}, Namespace: "argocd"}),
		app: app, name: app.Name, now: metav1.NewTime(at), log: slog.New(slog.DiscardHandler), status: *app.Status.DeepCopy(), tuned: new(Tuning),
		to: goal{dest: app.Spec.Destination.Resolved()},
	}
}

// keyIn reads "apps/Deployment shop/web", or "Namespace -/shop".
func keyIn(text string) manifest.Key {
	kind, name, _ := strings.Cut(text, " ")
	group, kind, ok := strings.Cut(kind, "/")
	if !ok {
		group, kind = "", group
	}
	namespace, name, _ := strings.Cut(name, "/")
	return manifest.Key{Group: group, Kind: kind, Namespace: strings.Trim(namespace, "-"), Name: name}
}

// objectIn is an object with the rest of it in YAML.
func objectIn(t *testing.T, text, rest string) *manifest.Object {
	t.Helper()
	key := keyIn(text)
	body := *read[map[string]any](t, rest)
	if body == nil {
		body = map[string]any{}
	}
	meta, _ := body["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["name"] = key.Name
	if key.Namespace != "" {
		meta["namespace"] = key.Namespace
	}
	body["apiVersion"], body["kind"], body["metadata"] = strings.TrimPrefix(key.Group+"/v1", "/"), key.Kind, meta
	o, err := manifest.New(body, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// changeIn reads "drift Deployment shop/web Progressing": verdict, object and, of
// what is live, the health.
func changeIn(t *testing.T, text string) diff.Change {
	t.Helper()
	words := strings.Fields(text)
	if len(words) < 3 {
		t.Fatalf("no change: %q", text)
	}
	name := words[1] + " " + words[2]
	c := diff.Change{Key: keyIn(name), Verdict: diff.Verdict(words[0])}
	if c.Verdict != diff.Extra {
		c.Desired = objectIn(t, name, "{}")
	}
	if c.Verdict != diff.Create {
		c.Live = &diff.Live{Key: c.Key, Version: "v1", Health: health.Healthy, App: "shop"}
	}
	for _, word := range words[3:] {
		if option, ok := strings.CutPrefix(word, "options="); ok {
			c.Live.Options = option
			continue
		}
		c.Live.Health = health.Health{Code: api.HealthCode(word), Message: "as it is"}
	}
	return c
}

func changesIn(t *testing.T, rows string) (changes []diff.Change) {
	t.Helper()
	for row := range strings.Lines(strings.TrimSpace(rows)) {
		changes = append(changes, changeIn(t, row))
	}
	return changes
}

// runOf is a run of a hook.
func runOf(t *testing.T, kind api.HookType, name string, phase api.OperationPhase) plan.Run {
	t.Helper()
	return plan.Run{Type: kind, Object: objectIn(t, name, "{}"), Phase: phase}
}
