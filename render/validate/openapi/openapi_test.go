package openapi

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestComplete resolves every schema that a kind of any version leads to.
func TestComplete(t *testing.T) {
	if got, want := Names(), []string{"1.33", "1.34", "1.35", "1.36", "1.37"}; !slices.Equal(got, want) {
		t.Fatalf("the versions are %v, want %v", got, want)
	}
	for _, name := range Names() {
		v, err := Of(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, gvk := range v.Kinds() {
			kind, _ := v.Kind(gvk)
			s, err := v.Schema(kind)
			if err != nil {
				t.Errorf("%s: %s: %v", name, gvk, err)
				continue
			}
			if s.Properties["metadata"] == nil {
				t.Errorf("%s: %s has no metadata", name, gvk)
			}
			follow(t, v, s, seen)
		}
		if len(seen) < 450 {
			t.Errorf("%s: %d schemas", name, len(seen))
		}
	}
}

func follow(t *testing.T, v *Version, s *Schema, seen map[string]bool) {
	t.Helper()
	if s == nil {
		return
	}
	if s.Ref != "" && !seen[s.Ref] {
		seen[s.Ref] = true
		named, err := v.Named(s.Ref)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		follow(t, v, named, seen)
	}
	for _, property := range s.Properties {
		follow(t, v, property, seen)
	}
	follow(t, v, s.Items, seen)
	follow(t, v, s.Values, seen)
}

func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		version    string
		gvk        schema.GroupVersionKind
		known      bool
		namespaced bool
	}{
		{"1.37", schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, true, true},
		{"1.33", schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, true, false},
		{"1.33", schema.GroupVersionKind{Group: "apps", Version: "v1beta1", Kind: "Deployment"}, false, false},
		{"1.33", schema.GroupVersionKind{Group: "storage.k8s.io", Version: "v1", Kind: "VolumeAttributesClass"}, false, false},
		{"1.34", schema.GroupVersionKind{Group: "storage.k8s.io", Version: "v1", Kind: "VolumeAttributesClass"}, true, false},
	} {
		v, err := Of(tt.version)
		if err != nil {
			t.Fatal(err)
		}
		kind, known := v.Kind(tt.gvk)
		if known != tt.known || kind.Namespaced != tt.namespaced {
			t.Errorf("%s in %s: known %t, namespaced %t", tt.gvk, tt.version, known, kind.Namespaced)
		}
	}
	if _, err := Of("1.20"); err == nil {
		t.Error("1.20 is built in")
	}
}

// The constants of Kubernetes' Go types stand with the fields that they are for.
func TestValues(t *testing.T) {
	v, err := Of("1.37")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"io.k8s.api.core.v1.ServiceSpec type": "LoadBalancer", "io.k8s.api.core.v1.Container imagePullPolicy": "Always"} {
		definition, field, _ := strings.Cut(name, " ")
		s, err := v.Named(definition)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(s.Properties[field].Enum, want) {
			t.Errorf("%s: %v has no %s", name, s.Properties[field].Enum, want)
		}
	}
	if len(compressed) > 200<<10 {
		t.Errorf("the schemas take %d bytes", len(compressed))
	}
}

func TestBrokenStore(t *testing.T) {
	for _, text := range []string{"", "x\n", "x\n5\n{}\n", "x\n0\nnonsense a\n", "x\n0\nkind v1 Pod namespaced\n", "x\n-1\n"} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
