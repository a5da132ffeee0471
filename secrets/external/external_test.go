package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"sigs.k8s.io/yaml"
)

// cluster serves objects by "Kind namespace/name", and any token.
type cluster map[string]string

func (c cluster) Get(_ context.Context, _, kind, namespace, name string) (json.RawMessage, error) {
	text, ok := c[kind+" "+namespace+"/"+name]
	if !ok {
		return nil, fmt.Errorf("%s %s/%s: %w", kind, namespace, name, fs.ErrNotExist)
	}
	return yaml.YAMLToJSON([]byte(text))
}

func (c cluster) Token(_ context.Context, namespace, name string, audiences []string) (sdk.Material, error) {
	return sdk.Material("t0ken of " + namespace + "/" + name + strings.Join(audiences, ",")), nil
}

// asking is a plugin that asks for objects "apiVersion Kind namespace/name" and
// tokens "token namespace/name", and says which it got.
type asking []string

func (a asking) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	got := map[string]sdk.Material{}
	for _, ask := range a {
		words := strings.Fields(ask)
		namespace, name, _ := strings.Cut(words[len(words)-1], "/")
		if words[0] == "token" {
			token, err := req.Objects.Token(ctx, namespace, name, nil)
			if err != nil {
				return nil, fmt.Errorf("lost its kind: %s", err.Error())
			}
			got["token"] = token
			continue
		}
		raw, err := req.Objects.Get(ctx, words[0], words[1], namespace, name)
		if err != nil {
			return nil, fmt.Errorf("lost its kind: %s", err.Error())
		}
		got[words[1]] = sdk.Material(raw)
	}
	return &sdk.SecretResult{Labels: map[string]string{managedLabel: "true"}, Data: got}, nil
}

func object(t testing.TB, text string) *manifest.Object {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{File: "es.yaml"})
	if err != nil || len(set) != 1 {
		t.Fatalf("%v: %v", set, err)
	}
	return set[0]
}

func externalSecret(t testing.TB, spec string) *manifest.Object {
	return object(t, "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: api, namespace: shop}\nspec: "+spec)
}

const byStore = `{secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: b}}]}`
const byClusterStore = `{secretStoreRef: {kind: ClusterSecretStore, name: demo}, data: [{secretKey: a, remoteRef: {key: b}}]}`

// TestGuard: what may be read, and what not.
func TestGuard(t *testing.T) {
	live := cluster{
		"Secret shop/creds": "{data: {token: czNjcmV0LWNyZWRz}}", "Secret shop/other": "{}", "Secret admin/creds": "{}", "Secret admin/other": "{}",
		"ConfigMap shop/ca": "{}", "ConfigMap shop/creds": "{}", "ConfigMap shop/tpl": "{}", "ConfigMap admin/ca": "{}",
	}
	const local = `{provider: {kubernetes: {server: {caProvider: {type: ConfigMap, name: ca, key: k}}, auth: {token: {bearerToken: {name: creds, key: token}}}}}}`
	const account = `{provider: {vault: {auth: {kubernetes: {serviceAccountRef: {name: reader}}}}}}`
	const admin = `{provider: {kubernetes: {auth: {token: {bearerToken: {name: creds, namespace: admin, key: token}}, serviceAccount: {name: reader, namespace: admin}}}}}`
	for _, tt := range []struct {
		name, spec, store, ask string
		want                   bool
	}{
		{"the store", byStore, local, "external-secrets.io/v1 SecretStore shop/demo", true},
		{"another store", byStore, local, "external-secrets.io/v1 SecretStore shop/other", false},
		{"a store of another scope", byStore, local, "external-secrets.io/v1 ClusterSecretStore /demo", false},
		{"its credentials", byStore, local, "v1 Secret shop/creds", true},
		{"its CA", byStore, local, "v1 ConfigMap shop/ca", true},
		{"another Secret", byStore, local, "v1 Secret shop/other", false},
		{"another kind of that name", byStore, local, "v1 ConfigMap shop/creds", false},
		{"another namespace", byStore, local, "v1 Secret admin/creds", false},
		{"another API group", byStore, local, "evil/v1 Secret shop/creds", false},
		{"a list by an empty name", byStore, local, "v1 Secret shop/", false},
		{"the namespace", byStore, local, "v1 Namespace /shop", false},
		{"its token", byStore, account, "token shop/reader", true},
		{"another's token", byStore, account, "token shop/default", false},
		{"a token in another namespace", byStore, account, "token admin/reader", false},
		{"a ServiceAccount is no Secret", byStore, account, "v1 Secret shop/reader", false},
		{"cluster store, its credentials", byClusterStore, admin, "v1 Secret admin/creds", true},
		{"cluster store, its token", byClusterStore, admin, "token admin/reader", true},
		{"cluster store, not here", byClusterStore, admin, "v1 Secret shop/creds", false},
		{"cluster store, no other", byClusterStore, admin, "v1 Secret admin/other", false},
		{"cluster store without namespace", byClusterStore, local, "v1 Secret shop/creds", true},
		{
			"a template's ConfigMap", strings.TrimSuffix(byStore, "}") + `, target: {template: {templateFrom: [{configMap: {name: tpl, items: []}}]}}}`,
			local, "v1 ConfigMap shop/tpl", true,
		},
		{"no template's ConfigMap", byStore, local, "v1 ConfigMap shop/tpl", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live["SecretStore shop/demo"] = "{spec: " + tt.store + "}"
			live["ClusterSecretStore /demo"] = "{spec: " + tt.store + "}"
			r := NewResolver(asking{tt.ask}, time.Now)
			_, err := r.Resolve(t.Context(), Request{Application: "a", Object: externalSecret(t, tt.spec), Cluster: live})
			if tt.want && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !tt.want && !errors.Is(err, ErrRefused) {
				t.Errorf("not refused: %v", err)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		name, conditions, labels string
		want                     bool
	}{
		{"none", `[]`, "{}", true},
		{"an empty one", `[{}]`, "{}", false},
		{"named", `[{namespaces: [other, shop]}]`, "{}", true},
		{"not named", `[{namespaces: [other]}]`, "{}", false},
		{"selected", `[{namespaceSelector: {matchLabels: {team: web}}}]`, "{team: web}", true},
		{"not selected", `[{namespaceSelector: {matchLabels: {team: web}}}]`, "{team: db}", false},
		{"an empty selector selects all", `[{namespaceSelector: {}}]`, "{}", true},
		{"by regexp", `[{namespaceRegexes: ["^s.*p$"]}]`, "{}", true},
		{"not by regexp", `[{namespaceRegexes: ["^x"]}]`, "{}", false},
		{"any of several", `[{namespaces: [other]}, {namespaceRegexes: ["^x", "^sh"]}]`, "{}", true},
		{"any within one", `[{namespaces: [shop], namespaceSelector: {matchLabels: {team: web}}}]`, "{}", true},
		{"no wildcard in names", `[{namespaces: ["*", "sh"]}]`, "{}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := cluster{
				"ClusterSecretStore /demo": "{spec: {provider: {fake: {data: []}}, conditions: " + tt.conditions + "}}",
				"Namespace /shop":          "{metadata: {name: shop, labels: " + tt.labels + "}}",
			}
			r := NewResolver(asking{}, time.Now)
			_, err := r.Resolve(t.Context(), Request{Object: externalSecret(t, byClusterStore), Cluster: live})
			if (err == nil) != tt.want || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("error %v, want allowed=%v", err, tt.want)
			}
		})
	}
}

// TestLabelsOfTheRender: a Namespace in Git must not open a store.
func TestLabelsOfTheRender(t *testing.T) {
	live := cluster{
		"ClusterSecretStore /demo": "{spec: {provider: {fake: {data: []}}, conditions: [{namespaceSelector: {matchLabels: {trusted: yes1}}}]}}",
		"Namespace /shop":          "{metadata: {name: shop}}",
	}
	planted := object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {trusted: yes1}}}")
	r := NewResolver(asking{}, time.Now)
	_, err := r.Resolve(t.Context(), Request{Object: externalSecret(t, byClusterStore), Cluster: live, Render: manifest.Set{planted}})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
}

func TestSpec(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		kind       error
		want       string
	}{
		{"no store", `{data: [{secretKey: a}]}`, ErrInvalid, "secretStoreRef needs the name"},
		{"odd store", `{secretStoreRef: {kind: Secret, name: a}, data: [{secretKey: a}]}`, ErrInvalid, `Secret "a"`},
		{"odd policy", `{target: {creationPolicy: Mine}}`, ErrInvalid, `creationPolicy "Mine"`},
		{"odd deletion", `{target: {deletionPolicy: Never}}`, ErrInvalid, `deletionPolicy "Never"`},
		{"Delete of an orphan", `{target: {creationPolicy: Orphan, deletionPolicy: Delete}}`, ErrInvalid, "needs creationPolicy Owner"},
		{"another generator", `{dataFrom: [{sourceRef: {generatorRef: {kind: ECRAuthorizationToken, name: p}}}]}`, ErrUnsupported, `generator ECRAuthorizationToken "p"`},
		{"another group's generator", `{dataFrom: [{sourceRef: {generatorRef: {apiVersion: v1, kind: Password, name: p}}}]}`, ErrInvalid, `apiVersion "v1"`},
		{"a generator of another controller", `{dataFrom: [{sourceRef: {generatorRef: {kind: Fake, name: other}}}]}`, ErrRefused, `for the controller "other"`},
		{"a cluster generator of another kind", `{dataFrom: [{sourceRef: {generatorRef: {kind: ClusterGenerator, name: sts}}}]}`, ErrUnsupported, `spec.kind is "STSSessionToken"`},
		{"windows without an end", `{syncWindows: {kind: allow, windows: [{schedule: "0 1 * * *"}]}}`, ErrInvalid, `windows[0].duration ""`},
		{"windows of another kind", `{syncWindows: {kind: maybe, windows: [{schedule: "0 1 * * *", duration: 1h}]}}`, ErrInvalid, "kind allow or deny"},
		{"windows without a schedule", `{syncWindows: {kind: deny, windows: [{schedule: daily, duration: 1h}]}}`, ErrInvalid, `schedule "daily"`},
		{"other object", `{target: {manifest: {apiVersion: v1, kind: ConfigMap}}}`, ErrUnsupported, "spec.target.manifest"},
		{"interval", `{refreshInterval: hourly}`, ErrInvalid, `refreshInterval "hourly"`},
		{"refresh policy", `{refreshPolicy: Sometimes}`, ErrInvalid, `refreshPolicy "Sometimes"`},
		{"shape", `{data: 7}`, ErrInvalid, "data"},
		{"controller", byStore, ErrRefused, `for the controller "other"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := cluster{
				"SecretStore shop/demo": `{spec: {controller: other, provider: {}}}`,
				"Fake shop/other":       `{spec: {controller: other}}`,
				"ClusterGenerator /sts": `{spec: {kind: STSSessionToken}}`,
			}
			_, err := NewResolver(asking{}, time.Now).Resolve(t.Context(), Request{Object: externalSecret(t, tt.spec), Cluster: live})
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %v with %q", err, tt.kind, tt.want)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	for _, tt := range []struct {
		spec string
		want time.Duration
	}{
		{`{}`, time.Hour},
		{`{refreshInterval: 15m}`, 15 * time.Minute},
		{`{refreshInterval: "0"}`, 0},
		{`{refreshInterval: "0s"}`, 0},
		{`{refreshInterval: -1s}`, 0},
		{`{refreshInterval: 15m, refreshPolicy: Periodic}`, 15 * time.Minute},
		{`{refreshInterval: 15m, refreshPolicy: OnChange}`, 0},
		{`{refreshInterval: 15m, refreshPolicy: CreatedOnce}`, 0},
	} {
		s, err := parse(externalSecret(t, tt.spec))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.refresh(); got != tt.want {
			t.Errorf("%s: refresh %v, want %v", tt.spec, got, tt.want)
		}
	}
}

// scripted is a plugin that gives one answer after another.
type scripted struct{ answers []any }

func (s *scripted) Fetch(context.Context, *sdk.SecretRequest) (*sdk.SecretResult, error) {
	if len(s.answers) == 0 {
		return nil, errors.New("asked once too often")
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	if err, ok := answer.(error); ok {
		return nil, err
	}
	return answer.(*sdk.SecretResult), nil
}

func value(text string) *sdk.SecretResult {
	return &sdk.SecretResult{Labels: map[string]string{managedLabel: "true"}, Data: map[string]sdk.Material{"a": sdk.Material(text)}}
}

var nothing = &sdk.SecretResult{}

// TestDeletion: what happens when the provider holds nothing any more.
func TestDeletion(t *testing.T) {
	live := cluster{"SecretStore shop/demo": `{spec: {provider: {fake: {data: []}}}}`}
	with := func(target string) *manifest.Object {
		return externalSecret(t, strings.TrimSuffix(byStore, "}")+", target: "+target+"}")
	}
	for _, tt := range []struct {
		name, target string
		answers      []any
		want         []string // of each call
	}{
		{"Retain keeps", `{}`, []any{value("first"), nothing}, []string{"first", "first"}},
		{"Retain knows nothing", `{}`, []any{nothing}, []string{"error: " + errKeep.Error()}},
		{"Delete", `{deletionPolicy: Delete}`, []any{value("first"), nothing, value("again")}, []string{"first", "none", "again"}},
		{"an outage deletes nothing", `{deletionPolicy: Delete}`, []any{value("first"), fmt.Errorf("gone: %w", fs.ErrNotExist)}, []string{"first", "stale first"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewResolver(&scripted{tt.answers}, time.Now)
			for i, want := range tt.want {
				got, err := r.Resolve(t.Context(), Request{Object: with(tt.target), Cluster: live, Fresh: true})
				if text := outcomeText(got, err); text != want {
					t.Errorf("call %d: %s, want %s", i, text, want)
				}
			}
		})
	}
}

func outcomeText(r Result, err error) string {
	switch {
	case err != nil:
		return "error: " + err.Error()
	case r.Secret == nil:
		return "none"
	case r.Stale != nil:
		return "stale " + string(r.Secret.Data()["a"].Reveal())
	}
	return string(r.Secret.Data()["a"].Reveal())
}

// TestMemo: the plugin is asked again when something changed, and not else.
func TestMemo(t *testing.T) {
	store := func(value string) manifest.Set {
		return manifest.Set{object(t, "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo, namespace: shop}, spec: {provider: {fake: {data: [{key: k, value: "+value+"}]}}}}")}
	}
	plugin := &scripted{[]any{value("1"), value("2"), value("3"), errors.New("down"), value("5"), value("6")}}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	r := NewResolver(plugin, func() time.Time { return noon })
	once := strings.TrimSuffix(byStore, "}") + ", refreshPolicy: OnChange}"
	noted := object(t, "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: api, namespace: shop, annotations: {force-sync: x}}\nspec: "+once)
	for i, step := range []struct {
		req  Request
		want string
	}{
		{Request{Object: externalSecret(t, once), Render: store("x")}, "1"},
		{Request{Object: externalSecret(t, once), Render: store("x")}, "1"},
		{Request{Object: externalSecret(t, once), Render: store("y")}, "2"},
		{Request{Object: noted, Render: store("y")}, "3"},
		{Request{Object: noted, Render: store("z")}, "error: down"},
		{Request{Object: noted, Render: store("z")}, "error: down"},
		{Request{Object: noted, Render: store("z"), Fresh: true}, "5"},
		{Request{Application: "another", Object: noted, Render: store("z")}, "6"},
	} {
		got, err := r.Resolve(t.Context(), step.req)
		if text := outcomeText(got, err); text != step.want {
			t.Errorf("step %d: %s, want %s", i, text, step.want)
		}
	}
	r.Keep("another", nil)
	if len(r.memo) != 1 {
		t.Errorf("%d results are remembered, want 1", len(r.memo))
	}
}

// TestErrorsAreRedacted: a plugin that quotes what it was shown.
func TestErrorsAreRedacted(t *testing.T) {
	live := cluster{
		"SecretStore shop/demo": `{spec: {provider: {kubernetes: {auth: {token: {bearerToken: {name: creds, key: token}}, serviceAccount: {name: reader}}}}}}`,
		"Secret shop/creds":     "{data: {token: czNjcmV0LWNyZWRz}}",
	}
	r := NewResolver(quoting{}, time.Now)
	_, err := r.Resolve(t.Context(), Request{Object: externalSecret(t, byStore), Cluster: live})
	if err == nil || err.Error() != `{"data":{"token":"(hidden)"}} and (hidden)` {
		t.Errorf("error %v", err)
	}
}

type quoting struct{}

func (quoting) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	raw, err := req.Objects.Get(ctx, "v1", "Secret", "shop", "creds")
	if err != nil {
		return nil, err
	}
	token, err := req.Objects.Token(ctx, "shop", "reader", nil)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s and %s", raw, []byte(token))
}

func TestSecret(t *testing.T) {
	live := cluster{"SecretStore shop/demo": `{spec: {provider: {fake: {data: []}}}}`}
	es := externalSecret(t, strings.TrimSuffix(byStore, "}")+", target: {name: made, template: {metadata: {finalizers: [example.com/keep]}}}}")
	answer := value("s3cret")
	answer.Type, answer.Immutable, answer.Annotations = "example.com/login", true, map[string]string{"a": "b"}
	got, err := NewResolver(&scripted{[]any{answer}}, time.Now).Resolve(t.Context(), Request{Object: es, Cluster: live})
	if err != nil {
		t.Fatal(err)
	}
	text, err := manifest.Set{got.Secret}.YAML(true)
	if err != nil {
		t.Fatal(err)
	}
	want := `---
apiVersion: v1
data:
  a: czNjcmV0
immutable: true
kind: Secret
metadata:
  annotations:
    a: b
  finalizers:
  - example.com/keep
  labels:
    reconcile.external-secrets.io/managed: "true"
  name: made
  namespace: shop
type: example.com/login
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestTooLarge(t *testing.T) {
	live := cluster{"SecretStore shop/demo": `{spec: {provider: {fake: {data: []}}}}`}
	r := NewResolver(&scripted{[]any{value(strings.Repeat("x", maxBytes+1))}}, time.Now)
	if _, err := r.Resolve(t.Context(), Request{Object: externalSecret(t, byStore), Cluster: live}); !errors.Is(err, manifest.ErrLimit) {
		t.Errorf("error %v", err)
	}
}

// FuzzParse: no ExternalSecret and no store panics, and no reference of a
// SecretStore leaves its namespace.
func FuzzParse(f *testing.F) {
	f.Add([]byte(byStore), []byte(`{"kubernetes":{"auth":{"token":{"bearerToken":{"name":"a","namespace":"b"}}}}}`))
	f.Add([]byte(`{dataFrom: [{sourceRef: {storeRef: {name: a}}}], target: {template: {templateFrom: [{secret: {name: x}}]}}}`), []byte(`{"serviceAccountRef":[{"name":"x"}]}`))
	f.Fuzz(func(t *testing.T, spec, provider []byte) {
		set, err := manifest.Parse(slices.Concat([]byte("apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: shop}\nspec: "), spec), manifest.Origin{})
		if err == nil {
			for _, o := range set {
				if s, err := parse(o); err == nil && s.Target.Name == "" {
					t.Fatal("no name for the Secret")
				}
			}
		}
		var tree map[string]any
		if json.Unmarshal(provider, &tree) != nil {
			return
		}
		refs, err := references(tree, "shop", false)
		if err != nil {
			return
		}
		for _, r := range refs {
			if r.namespace != "shop" || r.name == "" {
				t.Fatalf("reference %v", r)
			}
		}
	})
}
