package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"sigs.k8s.io/yaml"
)

// canary is what no error may hold.
const canary = "c4n4ry-plain-text"

func TestMain(m *testing.M) {
	os.Clearenv()        // as the host starts it
	allowLoopback = true // the doubles are here
	if err := errors.Join(clouds.open(), prepare()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// host answers for the objects it holds, as YAML by "Kind namespace/name", and
// gives tokens by "namespace/name audiences".
type host struct {
	objects map[string]string
	tokens  map[string]string
	err     error
}

func (h host) Get(_ context.Context, _, kind, namespace, name string) (json.RawMessage, error) {
	if h.err != nil {
		return nil, h.err
	}
	text, ok := h.objects[kind+" "+namespace+"/"+name]
	if !ok {
		return nil, fmt.Errorf("%s %s/%s: %w", kind, namespace, name, fs.ErrNotExist)
	}
	return yaml.YAMLToJSON([]byte(text))
}

func (h host) Token(_ context.Context, namespace, name string, audiences []string) (sdk.Material, error) {
	token, ok := h.tokens[namespace+"/"+name+" "+strings.Join(audiences, ",")]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return sdk.Material(token), nil
}

// asManifest completes a spec. It has a label and an annotation.
func asManifest(spec string) string {
	return `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api, namespace: shop, labels: {team: web}, annotations: {note: here}}
spec:
  secretStoreRef: {name: demo}
` + indent(spec)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

func secretObject(items map[string]string) string {
	data := map[string][]byte{}
	for key, value := range items {
		data[key] = []byte(value)
	}
	raw, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "data": data})
	if err != nil {
		panic(err) // strings
	}
	return string(raw)
}

// demoStore is a fake store with what the tests fetch.
var demoStore = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo, namespace: shop}
spec:
  provider:
    fake:
      data:
      - {key: /db/password, value: ` + canary + `}
      - {key: /db/old, value: first, version: v1}
      - {key: /db/old, value: second, version: v2}
      - {key: /db/all, value: '{"user": "ann", "pass word": "` + canary + `", "port": 5432}'}
      - {key: /db/b64, value: ` + base64.StdEncoding.EncodeToString([]byte(canary)) + `}
      - {key: /db/null, value: ` + base64.StdEncoding.EncodeToString([]byte("a\x00b")) + `}
      - {key: prod_a, value: one}
      - {key: prod_b, value: two}
`

func fetchSecret(t testing.TB, h host, spec string) (*sdk.SecretResult, error) {
	t.Helper()
	if h.objects == nil {
		h.objects = map[string]string{}
	}
	if _, ok := h.objects["SecretStore shop/demo"]; !ok {
		h.objects["SecretStore shop/demo"] = demoStore
	}
	raw, err := yaml.YAMLToJSON([]byte(asManifest(spec)))
	if err != nil {
		t.Fatal(err)
	}
	return newSource().Fetch(t.Context(), &sdk.SecretRequest{Application: "shop", Namespace: "shop", ExternalSecret: raw, Objects: h})
}

// show prints a result, values revealed.
func show(r *sdk.SecretResult) string {
	var b strings.Builder
	if r.Type != "" {
		fmt.Fprintf(&b, "type %s\n", r.Type)
	}
	if r.Immutable {
		b.WriteString("immutable\n")
	}
	for _, part := range []struct {
		name string
		m    map[string]string
	}{{"label", r.Labels}, {"annotation", r.Annotations}} {
		for _, key := range slices.Sorted(maps.Keys(part.m)) {
			fmt.Fprintf(&b, "%s %s=%s\n", part.name, key, part.m[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Data)) {
		fmt.Fprintf(&b, "%s: %s\n", key, []byte(r.Data[key]))
	}
	return b.String()
}

// owned are the labels of a Secret with creationPolicy Owner. The hash is SHA3-224
// of "shop/api".
const owned = "label reconcile.external-secrets.io/created-by=" + owner + "\nlabel reconcile.external-secrets.io/managed=true\n"

const owner = "356d9e301d4c7f404af0a80f63d14267a0f0da2ca163ed82e88dc1b3"

func TestFetch(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"data", `
data:
- {secretKey: password, remoteRef: {key: /db/password}}
- {secretKey: old, remoteRef: {key: /db/old, version: v1}}
- {secretKey: user, remoteRef: {key: /db/all, property: user}}
`, owned + `label team=web
annotation note=here
old: first
password: c4n4ry-plain-text
user: ann
`},
		{"decoding", `
data: [{secretKey: p, remoteRef: {key: /db/b64, decodingStrategy: Base64}}]
target: {template: {}}
`, owned + "p: c4n4ry-plain-text\n"},
		{"extract converts names", `
dataFrom: [{extract: {key: /db/all}}]
target: {template: {}}
`, owned + "pass_word: c4n4ry-plain-text\nport: 5432\nuser: ann\n"},
		{"extract with unicode names", `
dataFrom: [{extract: {key: /db/all, conversionStrategy: Unicode}}]
target: {template: {}}
`, owned + "pass_U0020_word: c4n4ry-plain-text\nport: 5432\nuser: ann\n"},
		{"find and rewrite", `
dataFrom:
- find: {name: {regexp: "^prod_"}}
  rewrite: [{regexp: {source: "prod_(.*)", target: "x-$1"}}, {transform: {template: "{{ .value | upper }}"}}]
target: {template: {}}
`, owned + "X-A: one\nX-B: two\n"},
		{"rewrite merges", `
dataFrom:
- extract: {key: /db/all}
  rewrite: [{regexp: {source: "pass word", target: pw}}]
- find: {name: {regexp: "db/all"}}
  rewrite: [{merge: {}}, {regexp: {source: "pass word", target: merged}}]
target: {template: {}}
`, owned + "merged: c4n4ry-plain-text\nport: 5432\npw: c4n4ry-plain-text\nuser: ann\n"},
		{"data over dataFrom", `
dataFrom: [{find: {name: {regexp: "^prod_"}}}]
data: [{secretKey: prod_a, remoteRef: {key: prod_b}}]
target: {template: {}}
`, owned + "prod_a: two\nprod_b: two\n"},
		{"templates replace", `
data: [{secretKey: password, remoteRef: {key: /db/password}}]
target:
  immutable: true
  template:
    type: example.com/login
    metadata: {labels: {len: "{{ len .password }}"}, annotations: {a: b}}
    data: {url: "postgres://app:{{ .password }}@db"}
`, "type example.com/login\nimmutable\nlabel len=17\n" + owned + "annotation a=b\nurl: postgres://app:c4n4ry-plain-text@db\n"},
		{"templates merge", `
data: [{secretKey: password, remoteRef: {key: /db/password}}]
target: {template: {mergePolicy: Merge, data: {upper: "{{ .password | upper }}"}}}
`, owned + "password: c4n4ry-plain-text\nupper: C4N4RY-PLAIN-TEXT\n"},
		{"templateFrom", `
data: [{secretKey: password, remoteRef: {key: /db/password}}]
target:
  template:
    templateFrom:
    - configMap: {name: tpl, items: [{key: conf}]}
    - secret: {name: tpl, items: [{key: all, templateAs: KeysAndValues}]}
    - {literal: "lit: {{ .password | len }}"}
    - {literal: "made: by-template", target: Labels}
    data: {conf: "data wins"}
`, "label made=by-template\n" + owned + "all-of: C4N4RY-PLAIN-TEXT\nconf: data wins\nlit: 17\n"},
		{"Orphan has no owner's label", `
data: [{secretKey: a, remoteRef: {key: prod_a}}]
target: {creationPolicy: Orphan, template: {}}
`, "label reconcile.external-secrets.io/managed=true\na: one\n"},
		{"what is gone may be dropped", `
data: [{secretKey: a, remoteRef: {key: prod_a}}, {secretKey: b, remoteRef: {key: nowhere}}]
target: {deletionPolicy: Merge, template: {}}
`, owned + "a: one\n"},
		{"nothing is left, Delete", `
data: [{secretKey: b, remoteRef: {key: nowhere}}]
target: {deletionPolicy: Delete}
`, ""},
		{"nothing is found, Retain", `
dataFrom: [{find: {name: {regexp: "^nothing"}}}]
`, ""},
		{"nothing is left, Merge", `
data: [{secretKey: b, remoteRef: {key: nowhere}}]
target: {deletionPolicy: Merge, template: {}}
`, owned},
		{"another store for one item", `
data:
- {secretKey: a, remoteRef: {key: prod_a}}
- {secretKey: b, remoteRef: {key: k}, sourceRef: {storeRef: {kind: ClusterSecretStore, name: other}}}
target: {template: {}}
`, owned + "a: one\nb: from the cluster's\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host{objects: map[string]string{
				"ConfigMap shop/tpl":        `{apiVersion: v1, kind: ConfigMap, data: {conf: "{{ .password }}"}}`,
				"Secret shop/tpl":           secretObject(map[string]string{"all": "all-of: {{ .password | upper }}"}),
				"ClusterSecretStore /other": `{apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: {name: other}, spec: {provider: {fake: {data: [{key: k, value: "from the cluster's"}]}}}}`,
			}}
			got, err := fetchSecret(t, h, tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if show(got) != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", show(got), tt.want)
			}
		})
	}
}

// TestStoresDoNotMix: the fake provider of external-secrets keeps values by the
// store's name alone.
func TestStoresDoNotMix(t *testing.T) {
	first := host{objects: map[string]string{"SecretStore shop/demo": demoStore}}
	if _, err := fetchSecret(t, first, `data: [{secretKey: a, remoteRef: {key: prod_a}}]`); err != nil {
		t.Fatal(err)
	}
	second := host{objects: map[string]string{"SecretStore shop/demo": strings.Replace(demoStore, "prod_a", "prod_c", 1)}}
	if _, err := fetchSecret(t, second, `data: [{secretKey: a, remoteRef: {key: prod_a}}]`); err == nil {
		t.Error("a value of another store came back")
	}
}

func TestErrors(t *testing.T) {
	store := func(provider string) host {
		return host{objects: map[string]string{"SecretStore shop/demo": `{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: ` + provider + `}}`}}
	}
	const one = `data: [{secretKey: password, remoteRef: {key: /db/password}}]`
	templated := func(template string) string {
		return one + "\ntarget: {template: " + template + "}"
	}
	for _, tt := range []struct {
		name string
		host host
		spec string
		want string
	}{
		{"no such key", host{}, `data: [{secretKey: a, remoteRef: {key: nowhere}}]`, `spec.data[0] (remote key "nowhere"): SecretStore "demo": Secret does not exist`},
		{"no such key to extract", host{}, `dataFrom: [{extract: {key: nowhere}}]`, `spec.dataFrom[0]: extract "nowhere": SecretStore "demo": Secret does not exist`},
		{"no store", host{}, `data: [{secretKey: a, remoteRef: {key: x}, sourceRef: {storeRef: {name: nowhere}}}]`, `SecretStore "nowhere": SecretStore.external-secrets.io "shop/nowhere" not found`},
		{"not base64", host{}, `data: [{secretKey: a, remoteRef: {key: /db/password, decodingStrategy: Base64}}]`, "decodingStrategy Base64"},
		{"not a map", host{}, `dataFrom: [{extract: {key: /db/password}}]`, "extract"},
		{"bad name", host{}, "dataFrom:\n- extract: {key: /db/all}\n  rewrite: [{regexp: {source: user, target: 'a b'}}]", "names of items"},
		{"template quotes a value", host{}, templated(`{data: {x: "{{ fail .password }}"}}`), `template.data: item "x": it stops at line 1, column 3`},
		{"label template quotes a value", host{}, templated(`{metadata: {labels: {x: "{{ fail .password }}"}}}`), `metadata.labels: item "x": it stops`},
		{"literal quotes a value", host{}, templated(`{templateFrom: [{literal: "x: {{ fail .password }}"}]}`), "templateFrom[0]: it stops at line 1, column 6"},
		{"literal is no map", host{}, templated(`{templateFrom: [{literal: "{{ .password }}"}]}`), "templateFrom[0]: the reason may quote values"},
		{"template wants what is not there", host{}, templated(`{data: {x: "{{ .nobody }}"}}`), "it stops at line 1, column 3"},
		{"environment", host{}, templated(`{data: {x: "{{ env \"HOME\" }}"}}`), "withheld"},
		{"name look-up", host{}, templated(`{data: {x: "{{ getHostByName .password }}"}}`), "withheld"},
		{"no such ConfigMap", host{}, templated(`{templateFrom: [{configMap: {name: nowhere, items: [{key: a}]}}]}`), `templateFrom[0]: ConfigMap "shop/nowhere" not found`},
		{"engine v1", host{}, templated(`{engineVersion: v1}`), "unsupported template engine version: v1"},
		{"unknown field", host{}, "data: [{secretKey: a, remoteRef: {key: x, colour: red}}]", `ExternalSecret: spec: unknown field "colour"`},
		{"unknown nullBytePolicy", host{}, "data: [{secretKey: a, remoteRef: {key: x, nullBytePolicy: Maybe}}]", `spec.data[0].remoteRef.nullBytePolicy: "Maybe" is neither`},
		{"a null byte", host{}, `data: [{secretKey: a, remoteRef: {key: /db/null, decodingStrategy: Base64, nullBytePolicy: Fail}}]`, `spec.data[0] (remote key "/db/null"): item "a" holds a null byte`},
		{"a null byte of many", host{}, `dataFrom: [{find: {name: {regexp: null$}, decodingStrategy: Base64, nullBytePolicy: Fail}, rewrite: [{regexp: {source: .*, target: x}}]}]`, `spec.dataFrom[0]: item "x" holds a null byte`},
		{"neither", host{}, "dataFrom: [{}]", "either extract or find"},
		{"both", host{}, "dataFrom: [{extract: {key: a}, sourceRef: {generatorRef: {kind: UUID, name: a}}}]", "either extract or find"},
		{"no such generator", host{}, "dataFrom: [{sourceRef: {generatorRef: {kind: UUID, name: a}}}]", `generator UUID "a"`},
		{"nothing asked for", host{}, "data: []", "neither data nor dataFrom"},
		{"another provider", store(`{doppler: {auth: {secretRef: {dopplerToken: {name: x}}}}}`), one, "spec.provider: doppler is not supported, aws, azurekv, fake, gcpsm, kubernetes, vault, webhook are"},
		{"two providers", store(`{fake: {data: []}, kubernetes: {}}`), one, "exactly one provider, it has 2"},
		{"unknown field of the store", store(`{fake: {datum: []}}`), one, `SecretStore: spec: unknown field "datum"`},
		{"the host refuses", host{err: fmt.Errorf("refused: not allowed here")}, one, `SecretStore "demo": refused: not allowed here`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fetchSecret(t, tt.host, tt.spec)
			if err == nil {
				t.Fatalf("no error, got %s", show(got))
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q lacks %q", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error holds plain text: %v", err)
			}
		})
	}
}

func TestOtherObjects(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"PushSecret", `{apiVersion: external-secrets.io/v1alpha1, kind: PushSecret, metadata: {namespace: shop}}`, "v1alpha1 PushSecret is not known"},
		{"old version", `{apiVersion: external-secrets.io/v1alpha0, kind: ExternalSecret, metadata: {namespace: shop}}`, "is not known"},
		{"another namespace", `{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {namespace: billing}, spec: {}}`, `of namespace "billing", the request of "shop"`},
		{"no object", `[]`, "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := yaml.YAMLToJSON([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = newSource().Fetch(t.Context(), &sdk.SecretRequest{Namespace: "shop", ExternalSecret: raw, Objects: host{}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestV1beta1(t *testing.T) {
	raw, err := yaml.YAMLToJSON([]byte(strings.Replace(asManifest(`data: [{secretKey: a, remoteRef: {key: prod_a}}]`), "/v1\n", "/v1beta1\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	h := host{objects: map[string]string{"SecretStore shop/demo": strings.Replace(demoStore, "/v1\n", "/v1beta1\n", 1)}}
	got, err := newSource().Fetch(t.Context(), &sdk.SecretRequest{Namespace: "shop", ExternalSecret: raw, Objects: h})
	if err != nil || string(got.Data["a"]) != "one" {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzFetch: no ExternalSecret and no store panics, and an error comes without
// a result.
func FuzzFetch(f *testing.F) {
	f.Add([]byte(asManifest(`data: [{secretKey: a, remoteRef: {key: prod_a}}]`)), []byte(demoStore))
	f.Add([]byte(asManifest(`dataFrom: [{find: {name: {regexp: "."}}, rewrite: [{merge: {}}]}]`)), []byte(demoStore))
	f.Add([]byte(asManifest("data: [{secretKey: a, remoteRef: {key: prod_a}}]\ntarget: {template: {data: {x: '{{ .a }}'}}}")), []byte(demoStore))
	f.Fuzz(func(t *testing.T, text, store []byte) {
		raw, err := yaml.YAMLToJSON(text)
		if err != nil {
			return
		}
		for name := range providers() {
			if name != "fake" && strings.Contains(string(store), name) {
				return // nothing may reach the network
			}
		}
		h := host{objects: map[string]string{"SecretStore shop/demo": string(store)}}
		got, err := newSource().Fetch(t.Context(), &sdk.SecretRequest{Namespace: "shop", ExternalSecret: raw, Objects: h})
		if (got == nil) == (err == nil) {
			t.Fatalf("result %v with error %v", got, err)
		}
	})
}

// checkFetched compares a result, or an error after "ERROR ", which must hold
// none of hidden.
func checkFetched(t *testing.T, got *sdk.SecretResult, err error, want string, hidden ...string) {
	t.Helper()
	if want, isError := strings.CutPrefix(want, "ERROR "); isError {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
		for _, text := range hidden {
			if strings.Contains(err.Error(), text) {
				t.Errorf("the error holds %q: %v", text, err)
			}
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if show(got) != owned+want {
		t.Errorf("got:\n%s\nwant:\n%s", show(got), owned+want)
	}
}
