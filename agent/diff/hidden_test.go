package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// What differs and does not count is named with the rule that says so, and is not
// among the fields.
func TestHidden(t *testing.T) {
	live := decode(t, edited)
	desired := decode(t, patched(t, edited, `{spec: {replicas: 2, paused: true, template: {spec: {containers: [{name: web, image: "web:git", tty: true, args: [a, b], env: [{name: A, value: "1"}, {name: B, value: "2"}]}, {name: side, image: side}]}}}}`))
	key := manifest.Key{Group: "apps", Kind: "Deployment", Name: "web"}
	for _, tt := range []struct{ name, rules, want string }{
		{"none", `[{group: apps, kind: StatefulSet, jsonPointers: [/spec/replicas]}]`, ""},
		{"a pointer", `[{group: apps, kind: Deployment, jsonPointers: [/spec/paused, /spec/replicas]}]`,
			`spec.paused by rule 1 (apps/Deployment): "/spec/paused"; spec.replicas by rule 1 (apps/Deployment): "/spec/replicas"`},
		{"the first that suffices", `[{group: apps, kind: Deployment, jqPathExpressions: [.spec.replicas]}, {group: apps, kind: Deployment, name: web, jsonPointers: [/spec/replicas]}]`,
			`spec.replicas by rule 1 (apps/Deployment): ".spec.replicas"`},
		{"a manager", `[{group: apps, kind: Deployment, managedFieldsManagers: [hpa]}]`,
			`spec.replicas by rule 1 (apps/Deployment): "hpa"`},
		{"what does not differ", `[{group: apps, kind: Deployment, jsonPointers: [/spec/selector]}]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ignore := ignoring(t, tt.rules)
			var got []string
			for _, h := range ignore.Hidden(key, desired, live) {
				got = append(got, h.Path+" by "+h.Rule)
				for _, f := range ignore.Fields(key, desired, live) {
					if f.Path == h.Path {
						t.Errorf("%s is shown and hidden", f.Path)
					}
				}
			}
			if text := strings.Join(got, "; "); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
	if got := (*Ignore)(nil).Hidden(key, desired, live); got != nil {
		t.Errorf("without rules: %v", got)
	}
}

func TestHiddenByArgocdCm(t *testing.T) {
	ignore, err := NewIgnore(nil, Rule{Group: "apps", Kind: "*", JSONPointers: []string{"/spec/replicas"}})
	if err != nil {
		t.Fatal(err)
	}
	live, desired := decode(t, edited), decode(t, patched(t, edited, `{spec: {replicas: 2}}`))
	got := fmt.Sprint(ignore.Hidden(manifest.Key{Group: "apps", Kind: "Deployment", Name: "web"}, desired, live))
	want := `[spec.replicas: live 5, desired 2; by hpa (Update of scale, 2026-11-24T10:00:00Z); ignored by a rule of ConfigMap argocd-cm (apps/*): "/spec/replicas"]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDrifted(t *testing.T) {
	ours, theirs := Owner{Manager: Manager, Operation: "Apply"}, Owner{Manager: "kubectl", Operation: "Update"}
	for _, tt := range []struct {
		name   string
		fields []Field
		want   bool
	}{
		{"none", nil, false},
		{"Git has changed", []Field{{Path: "a", Owner: ours}}, false},
		{"nobody knows", []Field{{Path: "a"}}, false},
		{"somebody else", []Field{{Path: "a", Owner: ours}, {Path: "b", Owner: theirs}}, true},
		{"what stays", []Field{{Path: "b", Owner: theirs, Extra: true}}, false},
	} {
		if got := Drifted(tt.fields); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
