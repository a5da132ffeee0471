package reconcile

import (
	"errors"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

func TestWithoutHooks(t *testing.T) {
	for _, tt := range []struct {
		name, annotation string
		kept             bool
		err              error
	}{
		{"no hook", "example.com/a: b", true, nil},
		{"Skip alone", "argocd.argoproj.io/hook: Skip", false, nil},
		{"Skip among others", "argocd.argoproj.io/hook: Skip, Sync", false, ErrHook},
		{"PreSync", "argocd.argoproj.io/hook: PreSync", false, ErrHook},
		{"an unknown type", "argocd.argoproj.io/hook: Sometimes", false, ErrHook},
		{"Helm's install", "helm.sh/hook: pre-install,pre-upgrade", false, ErrHook},
		{"Helm's test", "helm.sh/hook: test", false, nil},
		{"Helm's CRDs", "helm.sh/hook: crd-install", true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := manifest.Parse([]byte("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, annotations: {"+quote(tt.annotation)+"}}"), manifest.Origin{File: "job.yaml"})
			if err != nil {
				t.Fatal(err)
			}
			kept, err := withoutHooks(set)
			if !errors.Is(err, tt.err) || len(kept) != 0 != tt.kept {
				t.Errorf("got %d objects and error %v, want kept %v and error %v", len(kept), err, tt.kept, tt.err)
			}
		})
	}
}

// quote makes "a: b, c" fit into a YAML flow map.
func quote(pair string) string {
	for i := range pair {
		if pair[i:i+2] == ": " {
			return pair[:i+2] + `"` + pair[i+2:] + `"`
		}
	}
	return pair
}
