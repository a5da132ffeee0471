package validate

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestExternals(t *testing.T) {
	e, err := ReadExternals(".tidelock.yaml", []byte(`validate:
  external:
    - Secret shop/registry-*
    - ServiceAccount */builder
    - PriorityClass business
    - apps/Deployment shop/*
    - ConfigMap unused/*
`))
	if err != nil {
		t.Fatal(err)
	}
	secret, account := schema.GroupKind{Kind: "Secret"}, schema.GroupKind{Kind: "ServiceAccount"}
	class, deployment := schema.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}, schema.GroupKind{Group: "apps", Kind: "Deployment"}
	for _, tt := range []struct {
		kind            schema.GroupKind
		namespace, name string
		want            bool
	}{
		{secret, "shop", "registry-a", true},
		{secret, "shop", "registry", false},
		{secret, "other", "registry-a", false},
		{secret, "", "registry-a", true},
		{secret, "shop", "", false},
		{account, "any", "builder", true},
		{class, "", "business", true},
		{class, "", "batch", false},
		{deployment, "shop", "web", true},
		{deployment, "shop", "", true},
		{schema.GroupKind{Kind: "Deployment"}, "shop", "web", false},
	} {
		if e.Has(tt.kind, tt.namespace, tt.name) != tt.want {
			t.Errorf("%s %s/%s: not %v", tt.kind, tt.namespace, tt.name, tt.want)
		}
	}
	left := e.Leftover()
	if len(left) != 1 || left[0].Position() != ".tidelock.yaml:7" || left[0].Rule != RuleUnusedIgnore {
		t.Errorf("left over: %v", left)
	}
	for _, entry := range []string{"Secret", "Secret a/b/c", "Secret a/[", "a b c", "Secret a/"} {
		_, err := ReadExternals("c.yaml", []byte("validate:\n  external:\n  - "+entry+"\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "c.yaml:3: ") {
			t.Errorf("%q: got %v", entry, err)
		}
	}
	if (*Externals)(nil).Has(secret, "a", "b") || (*Externals)(nil).Leftover() != nil {
		t.Error("what is not there has entries")
	}
}
