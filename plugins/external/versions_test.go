package main

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"sigs.k8s.io/yaml"
)

// TestV1alpha1: what means the same is read, and what does not is named.
func TestV1alpha1(t *testing.T) {
	for _, tt := range []struct{ name, spec, want, err string }{
		{"data", `data: [{secretKey: a, remoteRef: {key: prod_a}}]`, "a: one\n", ""},
		{"dataFrom", `dataFrom: [{key: /db/all, conversionStrategy: Unicode}]`, "pass_U0020_word: " + canary + "\nport: 5432\nuser: ann\n", ""},
		{"dataFrom, a property", `dataFrom: [{key: /db/nested, property: inner}]`, "x: y\n", ""},
		{"a template without templates", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {type: Opaque, metadata: {labels: {a: b}}}}", "type Opaque\nlabel a=b\na: one\n", ""},
		{"engine v2", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {engineVersion: v2, data: {x: '{{ .a }}!'}}}", "x: one!\n", ""},
		{"immutable", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {immutable: true, creationPolicy: Owner}", "immutable\na: one\n", ""},
		{"engine v1", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {data: {x: '{{ .a | toString }}'}}}", "", "spec.target.template: v1alpha1 means engineVersion v1"},
		{"engine v1 by name", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {engineVersion: v1, templateFrom: [{configMap: {name: a, items: [{key: b}]}}]}}", "", "spec.target.template: v1alpha1 means"},
		{"engine v3", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {engineVersion: v3}}", "", `engineVersion: "v3" is not known`},
		{"labels that v2 would execute", "data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {metadata: {labels: {a: '{{ b }}'}}}}", "", "spec.target.template: v1alpha1 means"},
		{"what came later", `dataFrom: [{find: {name: {regexp: x}}}]`, "", `unknown field "find"`},
		{"no object", `dataFrom: [7]`, "", "spec.dataFrom[0]: it is no object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "apiVersion: external-secrets.io/v1alpha1\nkind: ExternalSecret\nmetadata: {name: api, namespace: shop}\nspec:\n  secretStoreRef: {name: demo}\n" + indent(tt.spec)
			raw, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			store := strings.Replace(demoStore, "/v1\n", "/v1alpha1\n", 1) + "      - {key: /db/nested, value: '{\"inner\": {\"x\": \"y\"}}'}\n"
			got, err := newSource().Fetch(t.Context(), &sdk.SecretRequest{Namespace: "shop", ExternalSecret: raw, Objects: host{objects: map[string]string{"SecretStore shop/demo": store}}})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Replace(show(got), owned, "", 1); text != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, tt.want)
			}
		})
	}
}

// TestSyncWindowsAreTheHosts: the plugin takes no notice of them.
func TestSyncWindowsAreTheHosts(t *testing.T) {
	got, err := fetchSecret(t, host{}, "data: [{secretKey: a, remoteRef: {key: prod_a, nullBytePolicy: Ignore}}]\nsyncWindows: {kind: deny, windows: []}")
	if err != nil || string(got.Data["a"]) != "one" {
		t.Errorf("got %v, %v", got, err)
	}
}
