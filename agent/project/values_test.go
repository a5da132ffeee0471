package project

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestValues(t *testing.T) {
	for _, c := range []struct {
		annotation, kind, name string
		want                   bool
	}{
		{"", "Secret", "api", false},
		{"Secret/api", "Secret", "api", true},
		{"Secret/api", "Secret", "api-2", false},
		{"Secret/api", "ConfigMap", "api", false},
		{"Secret/api-*", "Secret", "api-prod", true},
		{"Secret/api-*", "Secret", "web-api-prod", false},
		{"Secret/*", "Secret", "anything", true},
		{"Secret/*", "ConfigMap", "anything", false},
		{" ConfigMap/a , Secret/b ", "Secret", "b", true},
		{"Secret/{a,b}", "Secret", "b", false}, // the comma parts entries
		{"*", "Secret", "api", false},
		{"*/*", "Secret", "api", false},
		{"Secret/", "Secret", "", false},
		{"Secret", "Secret", "Secret", false},
		{"Secret/!api", "Secret", "web", false},
		{"secret/api", "Secret", "api", false},
		{"Secret/[", "Secret", "[", false},
	} {
		p := &api.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team", Annotations: map[string]string{api.AnnotationAllowValuesFrom: c.annotation}}}
		rules, err := New(p, Scoped{})
		if err != nil {
			t.Fatal(err)
		}
		got := rules.Values(c.kind, c.name)
		if got.Allowed != c.want {
			t.Errorf("%q, %s %s: %v", c.annotation, c.kind, c.name, got)
		}
		if hint := "annotate the AppProject with tidelock.io/allow-values-from: " + c.kind + "/" + c.name; !c.want && !strings.Contains(got.Reason, hint) {
			t.Errorf("%q: %s", c.annotation, got.Reason)
		}
	}
}

// TestValuesLint: an entry that permits nothing is told of.
func TestValuesLint(t *testing.T) {
	for annotation, want := range map[string]int{"": 0, "Secret/a, ConfigMap/b-*": 0, "*": 1, "Secret/!a, Secret/[, Pod/a": 3, "Secret/a,,": 0} {
		p := &api.AppProject{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{api.AnnotationAllowValuesFrom: annotation}}}
		if got := Lint(p); len(got) != want {
			t.Errorf("%q: %q", annotation, got)
		}
	}
}
