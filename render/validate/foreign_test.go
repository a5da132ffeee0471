package validate

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

func TestForeign(t *testing.T) {
	checker, err := New("1.37", nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"skaffold/v3 Config":                true,
		"devspace/v2beta1 Something":        true,
		"v1 Pod":                            false,
		"v1 Pods":                           false,
		"apps/v1 Deployments":               false,
		"app/v1 Thing":                      false, // apps
		"rbac/v1 Thing":                     false, // rbac.authorization.k8s.io
		"extensions/v1beta1 Ingresses":      false,
		"skaffold/v3 Deployment":            false, // nobody else has Deployments
		"cert-manager.io/v1 Certificate":    false, // a custom kind
		"networking.k8s.io/v1 Ingresssssss": false,
	} {
		apiVersion, kind, _ := strings.Cut(text, " ")
		set, err := manifest.Parse([]byte("apiVersion: "+apiVersion+"\nkind: "+kind+"\nmetadata: {name: a}\n"), manifest.Origin{File: "a.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		if got := checker.Foreign(set[0]); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
