package validate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A drawer is a shelf in memory.
type drawer struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (d *drawer) Get(key string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	data, ok := d.kept[key]
	return data, ok
}

func (d *drawer) Put(key string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string][]byte{}
	}
	d.kept[key] = data
}

// objects are how many are kept.
func (d *drawer) objects() (n int) {
	for _, data := range d.kept {
		n += len(data) / 32
	}
	return n
}

// A question is all that a verdict depends on.
type question struct{ objects, definition, version, program, place string }

func (q question) ask(t *testing.T, on *drawer) string {
	t.Helper()
	custom := &Definitions{}
	for _, o := range parsed(t, q.definition) {
		custom.Add(o)
	}
	checker, err := New(q.version, custom)
	if err != nil {
		t.Fatal(err)
	}
	if on != nil {
		checker = checker.Remembering(on, q.program, q.place)
	}
	problems, err := checker.Sets(t.Context(), []manifest.Set{parsed(t, q.objects)}, 2, func() {})
	if err != nil {
		t.Fatal(err)
	}
	checker.Keep()
	var lines []string
	for _, p := range problems[0] {
		lines = append(lines, fmt.Sprintf("%s %s %s", p.Rule, p.Object.Key, p.Path))
	}
	return strings.Join(lines, "\n")
}

func parsed(t *testing.T, text string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{File: "a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const (
	widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
`
	several = `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: b}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: a}
spec: {size: 3}
---
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {password: hunter2-canary}
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: a}
driverName: a.example.com
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a, ports: [{name: http, containerPort: 80}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: http}]}
`
)

// What an earlier Checker found nothing in is passed over, and whatever changes of
// what that depends on, the verdict is that of a Checker without any memory.
func TestRemembering(t *testing.T) {
	base := question{several, widgets, "1.37", "build 1", "/work"}
	replaced := func(old, new string) func(*question) {
		return func(q *question) {
			before := *q
			q.objects, q.definition = strings.Replace(q.objects, old, new, 1), strings.Replace(q.definition, old, new, 1)
			if *q == before {
				t.Errorf("there is no %q", old)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*question)
		want   string
	}{
		{"nothing", func(*question) {}, ""},
		{"a field", replaced("{a: b}", "{a: 1}"), "wrong-type ConfigMap a data.a"},
		{"a name", replaced("kind: ConfigMap\nmetadata: {name: a}", "kind: ConfigMap\nmetadata: {name: a_}"), "name ConfigMap a_ metadata.name"},
		{"what a definition defines", replaced("{type: integer}", "{type: string}"), "wrong-type example.com/Widget a spec.size"},
		{"the version", func(q *question) { q.version = "1.33" }, "unknown-kind storage.k8s.io/VolumeAttributesClass a apiVersion"},
		{"what a Secret holds", replaced("stringData: {password: hunter2-canary}", "stringData: {pass word: hunter2-canary}"), "name Secret a data[pass word]"},
		{"what another object calls by name", replaced("{name: http, ", "{name: web, "), "port Service a spec.ports[0].targetPort"},
		{"the program", func(q *question) { q.program = "build 2" }, ""},
		{"the place", func(q *question) { q.place = "/other" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var on drawer
			if got := base.ask(t, &on); got != "" {
				t.Fatalf("at first it finds %s", got)
			}
			q := base
			tt.change(&q)
			want := q.ask(t, nil)
			if tt.want == "" != (want == "") || !strings.Contains(want, strings.SplitN(tt.want, " ", 2)[0]) {
				t.Fatalf("without a memory it finds %q, want %q", want, tt.want)
			}
			for range 2 {
				if got := q.ask(t, &on); got != want {
					t.Errorf("it finds\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

// What is kept are digests of objects in which nothing is found, and nothing of what
// Secrets hold.
func TestRemembered(t *testing.T) {
	var on drawer
	q := question{several, widgets, "1.37", "", ""}
	q.ask(t, &on)
	if on.objects() != 5 {
		t.Errorf("%d objects are kept, want the 5 that are no Secret", on.objects())
	}
	for key, data := range on.kept {
		if strings.Contains(key+string(data), "hunter2") {
			t.Error("a secret is kept")
		}
	}
	q.objects = strings.Replace(several, "{a: b}", "{a: 1}", 1)
	q.ask(t, &on)
	if on.objects() != 4 {
		t.Errorf("%d objects are kept, of which 4 are in order", on.objects())
	}
	for key := range on.kept {
		on.kept[key] = []byte(strings.Repeat("rubbish ", 99))
	}
	if got, want := q.ask(t, &on), q.ask(t, nil); got != want || on.objects() != 4 {
		t.Errorf("of rubbish comes %q, want %q; then %d objects are kept", got, want, on.objects())
	}
}

// What was given up is kept by nobody, and Checkers side by side agree.
func TestRememberingAtOnce(t *testing.T) {
	var on drawer
	checker, err := New("1.37", nil)
	if err != nil {
		t.Fatal(err)
	}
	checker = checker.Remembering(&on, "", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := checker.Sets(ctx, []manifest.Set{parsed(t, several)}, 2, func() {}); err == nil {
		t.Error("a check that was given up has an answer")
	}
	checker.Keep()
	if on.objects() != 0 {
		t.Errorf("%d objects are kept of a check that was given up", on.objects())
	}
	q := question{several, widgets, "1.37", "", ""}
	var g errgroup.Group
	got := make([]string, 4)
	for i := range got {
		g.Go(func() error { got[i] = q.ask(t, &on); return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, ""); text != "" || q.ask(t, &on) != "" {
		t.Errorf("they find %q", text)
	}
}
