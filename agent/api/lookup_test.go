package api

import (
	"strings"
	"testing"
)

func TestLookups(t *testing.T) {
	for value, want := range map[string]string{
		"":                                "",
		" v1/Secret ,apps/v1/Deployment,": "v1/Secret apps/v1/Deployment",
		"Secret":                          "Secret ! \"Secret\" is no kind",
		"v1/*":                            "v1/* ! \"v1/*\" is no kind",
		"a/b/c/D":                         "a/b/c/D ! \"a/b/c/D\" is no kind",
		"v1/Secret v1/ConfigMap":          "v1/Secret v1/ConfigMap ! \"v1/Secret v1/ConfigMap\" is no kind",
		"/Secret":                         "/Secret ! \"/Secret\" is no kind",
	} {
		annotations := map[string]string{AnnotationLookup: value}
		got := strings.Join(Lookups(annotations), " ")
		var w warnings
		w.lintLookup(annotations)
		for _, text := range w {
			_, what, _ := strings.Cut(text, ": ")
			got += " ! " + strings.TrimSuffix(what, ": write it like v1/Secret or apps/v1/Deployment")
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}
