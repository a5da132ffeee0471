package resolve

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/yaml"
)

// ring is a Keyring over one key, or an outage.
type ring struct {
	keys sealed.Keys
	err  error
}

func (r ring) Keys(context.Context) (sealed.Keys, error) { return r.keys, r.err }

// echo is a plugin that reads the ExternalSecret's first store, and gives the
// value that stands in its spec under provider.echo.value. A store with
// provider.echo.secretRef gives what lies there.
type echo struct{}

func (echo) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	var es struct {
		Spec struct {
			SecretStoreRef struct{ Kind, Name string }
		}
	}
	if err := json.Unmarshal(req.ExternalSecret, &es); err != nil {
		return nil, err
	}
	namespace := req.Namespace
	if es.Spec.SecretStoreRef.Kind == "ClusterSecretStore" {
		namespace = ""
	}
	raw, err := req.Objects.Get(ctx, "external-secrets.io/v1", es.Spec.SecretStoreRef.Kind, namespace, es.Spec.SecretStoreRef.Name)
	if err != nil {
		return nil, err
	}
	value, err := echoed(ctx, req, raw)
	if err != nil {
		return nil, err
	}
	return &sdk.SecretResult{
		Labels: map[string]string{"reconcile.external-secrets.io/managed": "true"},
		Data:   map[string]sdk.Material{"value": value},
	}, nil
}

func echoed(ctx context.Context, req *sdk.SecretRequest, raw []byte) ([]byte, error) {
	var store struct {
		Spec struct {
			Provider struct {
				Echo struct {
					Value, Fail string
					SecretRef   struct{ Name, Namespace, Key string }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &store); err != nil {
		return nil, err
	}
	do := store.Spec.Provider.Echo
	if do.Fail != "" {
		return nil, errors.New(do.Fail)
	}
	if do.SecretRef.Name == "" {
		return []byte(do.Value), nil
	}
	namespace := do.SecretRef.Namespace
	if namespace == "" {
		namespace = req.Namespace
	}
	raw, err := req.Objects.Get(ctx, "v1", "Secret", namespace, do.SecretRef.Name)
	if err != nil {
		return nil, err
	}
	var secret struct{ Data map[string][]byte }
	err = json.Unmarshal(raw, &secret)
	return secret.Data[do.SecretRef.Key], err
}

// cluster serves objects by "kind namespace/name".
type cluster map[string]string

func (c cluster) Get(_ context.Context, _, kind, namespace, name string) (json.RawMessage, error) {
	text, ok := c[kind+" "+namespace+"/"+name]
	if !ok {
		return nil, fmt.Errorf("%s %s/%s: %w", kind, namespace, name, fs.ErrNotExist)
	}
	return yaml.YAMLToJSON([]byte(text))
}

func (c cluster) Token(context.Context, string, string, []string) (sdk.Material, error) {
	return nil, fs.ErrNotExist
}

const (
	anyTime   = "2026-01-02T03:04:05Z"
	configMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: plain, namespace: shop}
`
	esShop = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api, namespace: shop, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
spec:
  refreshInterval: 10m
  secretStoreRef: {kind: SecretStore, name: demo}
  target: {name: api-token}
  data: [{secretKey: value, remoteRef: {key: x}}]
`
	storeShop = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo, namespace: shop}
spec: {provider: {echo: {value: "from the render"}}}
`
)

// world is a stage with a key, and a way to seal for it.
type world struct {
	stage *Stage
	now   time.Time
	cert  []byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private, certificate, err := crypto.GeneratePrivateKeyAndCert(2048, time.Hour, "test")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sealed.ParseKeys(map[string][]byte{
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: keyutil.RSAPrivateKeyBlockType, Bytes: x509.MarshalPKCS1PrivateKey(private)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})}
	if w.now, err = time.Parse(time.RFC3339, anyTime); err != nil {
		t.Fatal(err)
	}
	w.stage = &Stage{
		Keyring:   ring{keys: keys},
		Templates: sealed.Remote{Plugin: sealed.Source{}},
		Resolver:  external.NewResolver(echo{}, func() time.Time { return w.now }),
	}
	return w
}

// sealed returns a SealedSecret with one item as YAML.
func (w *world) sealed(t testing.TB, namespace, name, value string) string {
	t.Helper()
	raw, err := sealed.Seal(w.cert, "strict", namespace, name, map[string][]byte{"value": []byte(value)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.JSONToYAML(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse(t testing.TB, texts ...string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(strings.Join(texts, "\n---\n")), manifest.Origin{File: "all.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func permitAll(*manifest.Object) error { return nil }

func serves(kinds ...string) func(schema.GroupKind) bool {
	return func(kind schema.GroupKind) bool {
		for _, served := range kinds {
			if kind.Kind == served {
				return true
			}
		}
		return false
	}
}

// print shows a set as "Kind namespace/name" with the values of Secrets and the
// wave.
func print(set manifest.Set) string {
	var b strings.Builder
	for _, o := range set {
		fmt.Fprintf(&b, "%s %s/%s", o.Key.Kind, o.Key.Namespace, o.Key.Name)
		if value, ok := o.Data()["value"]; ok {
			fmt.Fprintf(&b, " value=%s", value.Reveal())
		}
		if o.Annotations[sealed.AnnotationManaged] == "true" {
			b.WriteString(" managed")
		}
		if wave := o.Annotations["argocd.argoproj.io/sync-wave"]; wave != "" {
			fmt.Fprintf(&b, " wave=%s", wave)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRule(t *testing.T) {
	w := newWorld(t)
	sealedDB := strings.Replace(w.sealed(t, "shop", "db", "s3aled"), "metadata:\n", "metadata:\n  annotations: {argocd.argoproj.io/sync-wave: \"2\"}\n", 1)
	crd := `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sealedsecrets.bitnami.com}
spec: {group: bitnami.com, names: {kind: SealedSecret}}
`
	const resolved = `ConfigMap shop/plain
Secret shop/db value=s3aled wave=2
Secret shop/api-token value=from the render wave=-1
`
	const left = `ConfigMap shop/plain
SealedSecret shop/db wave=2
SecretStore shop/demo
ExternalSecret shop/api wave=-1
`
	beside := strings.Replace(left, "wave=2\n", "wave=2\nSecret shop/db value=s3aled managed wave=2\n", 1)
	everything := []string{"SealedSecret", "ExternalSecret", "SecretStore"}
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		defaults    Mode
		served      []string
		absent      bool // the controller of SealedSecrets, wherever they are served
		more        string
		want        string
	}{
		{name: "nothing is served", want: resolved},
		{name: "no controller, and nothing is served", absent: true, want: resolved},
		{name: "all is served, and no controller is there", served: everything, absent: true, want: beside},
		{
			name: "resolve, where no controller is there", served: everything, absent: true, want: beside,
			annotations: map[string]string{AnnotationSealed: "resolve"},
		},
		{
			name: "apply, though no controller is there", served: everything, absent: true, want: left,
			annotations: map[string]string{AnnotationSealed: "apply"},
		},
		{name: "the definition comes with the sync, and so does the controller", absent: true, more: crd, want: `ConfigMap shop/plain
SealedSecret shop/db wave=2
Secret shop/api-token value=from the render wave=-1
CustomResourceDefinition /sealedsecrets.bitnami.com
`},
		{name: "all is served", served: everything, want: left},
		{name: "SealedSecrets only are served", served: []string{"SealedSecret"}, want: `ConfigMap shop/plain
SealedSecret shop/db wave=2
Secret shop/api-token value=from the render wave=-1
`},
		{name: "apply by annotation", annotations: map[string]string{AnnotationSealed: "apply", AnnotationExternal: "apply"}, want: left},
		{name: "apply by default", defaults: Apply, want: left},
		{name: "annotation over default", defaults: Apply, annotations: map[string]string{AnnotationSealed: "resolve", AnnotationExternal: "auto"}, want: resolved},
		{
			name: "resolve though it is served", defaults: Resolve, served: everything,
			want: strings.Replace(resolved, "wave=2\n", "wave=2\nSecretStore shop/demo\n", 1),
		},
		{name: "the definition comes with the sync", more: crd, want: `ConfigMap shop/plain
SealedSecret shop/db wave=2
Secret shop/api-token value=from the render wave=-1
CustomResourceDefinition /sealedsecrets.bitnami.com
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage := &Stage{
				Keyring: w.stage.Keyring, Templates: w.stage.Templates, Resolver: w.stage.Resolver,
				Sealed: tt.defaults, External: tt.defaults,
			}
			set := parse(t, configMap, sealedDB, storeShop, esShop, tt.more)
			app := Application{Name: "shop", Annotations: tt.annotations, Permit: permitAll}
			if tt.absent {
				app.Controlled = func(kind schema.GroupKind) bool { return kind.Kind != "SealedSecret" }
			}
			got, err := stage.Run(t.Context(), app, set, serves(tt.served...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, print(got.Set)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResult(t *testing.T) {
	w := newWorld(t)
	set := parse(t, w.sealed(t, "shop", "db", "s3aled"), storeShop, esShop)
	got, err := w.stage.Run(t.Context(), Application{Name: "shop", Permit: permitAll}, set, serves())
	if err != nil {
		t.Fatal(err)
	}
	if next := got.Next.Sub(w.now); !within(next, 10*time.Minute) {
		t.Errorf("next in %v, want 10m or a little less", next)
	}
	want := []Resolution{
		{From: set[0].Key, Origin: set[0].Origin, Secret: manifest.Key{Kind: "Secret", Namespace: "shop", Name: "db"}},
		{From: set[2].Key, Origin: set[2].Origin, Secret: manifest.Key{Kind: "Secret", Namespace: "shop", Name: "api-token"}, Fetched: w.now},
	}
	if diff := cmp.Diff(want, got.Resolved); diff != "" {
		t.Error(diff)
	}
}

// TestFailures: each object that fails is named with its place, and all of them
// are.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	elsewhere := strings.Replace(w.sealed(t, "billing", "db", "s3aled"), "\n  namespace: billing", "\n  namespace: shop", 1)
	foreign := newWorld(t).sealed(t, "shop", "db", "s3aled")
	for _, tt := range []struct {
		name    string
		objects []string
		app     func(*Application)
		kind    error
		want    []string
	}{
		{
			name: "a SealedSecret for another namespace", objects: []string{configMap, elsewhere}, kind: sealed.ErrScope,
			want: []string{"all.yaml:7: bitnami.com/SealedSecret shop/db: item \"value\"", "strict billing/db", "hint: seal it again for this namespace"},
		},
		{
			name: "a SealedSecret for another cluster", objects: []string{foreign}, kind: sealed.ErrNoKey,
			want: []string{"all.yaml:1: ", "SHA256:", "hint: seal it again with this cluster's certificate"},
		},
		{
			name: "both", objects: []string{elsewhere, esShop}, kind: fs.ErrNotExist,
			want: []string{"all.yaml:1: bitnami.com/SealedSecret shop/db", "external-secrets.io/ExternalSecret shop/api: SecretStore \"demo\""},
		},
		{
			name: "two give one Secret", objects: []string{w.sealed(t, "shop", "api-token", "x"), storeShop, esShop}, kind: ErrCollision,
			want: []string{"ExternalSecret shop/api", "SealedSecret shop/api-token at all.yaml:1"},
		},
		{
			name: "a plain Secret stands there", kind: ErrCollision,
			objects: []string{w.sealed(t, "shop", "db", "x"), "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}"},
			want:    []string{"all.yaml:1: bitnami.com/SealedSecret shop/db", "given by Secret shop/db at all.yaml:"},
		},
		{
			name: "the project forbids", objects: []string{storeShop, esShop}, kind: ErrNotPermitted,
			app: func(a *Application) {
				a.Permit = func(*manifest.Object) error { return errors.New("namespace shop is not for project x") }
			},
			want: []string{"SecretStore shop/demo: not permitted: namespace shop", "ExternalSecret shop/api: not permitted"},
		},
		{
			name: "no project", objects: []string{esShop}, kind: ErrNotPermitted,
			app:  func(a *Application) { a.Permit = nil },
			want: []string{"no project"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := Application{Name: "shop", Permit: permitAll}
			if tt.app != nil {
				tt.app(&app)
			}
			got, err := w.stage.Run(t.Context(), app, parse(t, tt.objects...), serves())
			if !errors.Is(err, tt.kind) {
				t.Fatalf("error %v, want %v", err, tt.kind)
			}
			var failures Failures
			if !errors.As(err, &failures) || got.Set != nil {
				t.Fatalf("want Failures and no set, have %T and %v", err, got.Set)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestBadAnnotation(t *testing.T) {
	w := newWorld(t)
	app := Application{Annotations: map[string]string{AnnotationSealed: "yes"}, Permit: permitAll}
	_, err := w.stage.Run(t.Context(), app, nil, serves())
	if err == nil || !strings.Contains(err.Error(), `annotation tidelock.io/sealed-secrets: "yes" is neither`) {
		t.Errorf("error %v", err)
	}
}

func TestKeyringOutage(t *testing.T) {
	w := newWorld(t)
	set := parse(t, configMap, w.sealed(t, "shop", "db", "s3aled"))
	w.stage.Keyring = ring{err: errors.New("the API server is away")}
	_, err := w.stage.Run(t.Context(), Application{Permit: permitAll}, set, serves())
	if err == nil || !strings.Contains(err.Error(), "read the sealing keys: the API server is away") {
		t.Errorf("error %v", err)
	}
	w.stage.Keyring = nil
	_, err = w.stage.Run(t.Context(), Application{Permit: permitAll}, set, serves())
	if !errors.Is(err, sealed.ErrNoKey) {
		t.Errorf("error %v", err)
	}
}

// within says that something falls due when it is to, or, for a refresh every 10
// minutes, up to a minute earlier. Tries after a failure are not spread.
func within(next, want time.Duration) bool {
	if want < time.Minute {
		return next == want
	}
	return next > 0 && next <= want && next >= want-time.Minute
}

// TestOutage: what was fetched stays when the provider fails, and comes back.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	live := cluster{"SecretStore shop/demo": `{spec: {provider: {echo: {value: first}}}}`}
	app := Application{Name: "shop", Permit: permitAll, Cluster: live}
	set := parse(t, esShop)
	step := func(what string, after time.Duration, store, wantSet, wantStale string, wantNext time.Duration) {
		t.Helper()
		w.now = w.now.Add(after)
		live["SecretStore shop/demo"] = store
		got, err := w.stage.Run(t.Context(), app, set, serves())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if print(got.Set) != wantSet {
			t.Errorf("%s: set %s", what, print(got.Set))
		}
		if stale := got.Stale.Error(); (stale == "") != (wantStale == "") || !strings.Contains(stale, wantStale) {
			t.Errorf("%s: stale %q, want %q", what, stale, wantStale)
		}
		if next := got.Next.Sub(w.now); !within(next, wantNext) {
			t.Errorf("%s: next in %v, want %v", what, next, wantNext)
		}
	}
	value := func(v string) string { return "{spec: {provider: {echo: {value: " + v + "}}}}" }
	secret := func(v string) string { return "Secret shop/api-token value=" + v + " wave=-1\n" }
	down := "{spec: {provider: {echo: {fail: connection refused}}}}"

	step("the first", 0, value("first"), secret("first"), "", 10*time.Minute)
	step("not due", 9*time.Minute, value("second"), secret("first"), "", time.Minute)
	step("due", time.Minute, value("second"), secret("second"), "", 10*time.Minute)
	step("down", 10*time.Minute, down, secret("second"), "connection refused", 5*time.Second)
	step("too early to ask again", 4*time.Second, value("third"), secret("second"), "connection refused", time.Second)
	step("still down", time.Second, down, secret("second"), "connection refused", 10*time.Second)
	step("up", 10*time.Second, value("third"), secret("third"), "", 10*time.Minute)
	app.Fresh = true
	step("a hard refresh", time.Second, value("fourth"), secret("fourth"), "", 10*time.Minute)
}

// TestStoreCredentials: what a store authenticates with may come from the same
// render, sealed even, in its namespace; not from elsewhere.
func TestStoreCredentials(t *testing.T) {
	w := newWorld(t)
	store := func(kind, ref string) string {
		return `{apiVersion: external-secrets.io/v1, kind: ` + kind + `, metadata: {name: demo, namespace: shop}, spec: {provider: {echo: {secretRef: ` + ref + `}}}}`
	}
	secret := func(value string) string {
		return `{data: {value: ` + base64.StdEncoding.EncodeToString([]byte(value)) + `}}`
	}
	live := cluster{
		"Secret shop/db":    secret("live"),
		"Secret billing/db": secret("another's"),
		"Secret shop/other": secret("not referred to"),
	}
	inRender := w.sealed(t, "shop", "db", "sealed")
	elsewhere := w.sealed(t, "billing", "db", "planted")
	clusterES := strings.Replace(esShop, "kind: SecretStore", "kind: ClusterSecretStore", 1)
	for _, tt := range []struct {
		name    string
		objects []string
		want    string // in the set, or in the error
		kind    error
	}{
		{"from the cluster", []string{store("SecretStore", "{name: db, key: value}"), esShop}, "value=live", nil},
		{"from a SealedSecret beside it", []string{store("SecretStore", "{name: db, key: value}"), inRender, esShop}, "value=sealed", nil},
		{"a SecretStore reaches out", []string{store("SecretStore", "{name: db, namespace: billing, key: value}"), esShop}, "reads its own namespace only", external.ErrRefused},
		{"a ClusterSecretStore may", []string{store("ClusterSecretStore", "{name: db, namespace: billing, key: value}"), clusterES}, "value=another's", nil},
		{"nothing is planted elsewhere", []string{store("ClusterSecretStore", "{name: db, namespace: billing, key: value}"), elsewhere, clusterES}, "api-token value=another's", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.stage.Resolver = external.NewResolver(echo{}, time.Now)
			got, err := w.stage.Run(t.Context(), Application{Permit: permitAll, Cluster: live}, parse(t, tt.objects...), serves())
			text := print(got.Set)
			if tt.kind != nil && err != nil {
				text = err.Error()
			}
			if !errors.Is(err, tt.kind) || !strings.Contains(text, tt.want) {
				t.Errorf("got %v and %v, want %q", text, err, tt.want)
			}
		})
	}
}

func TestOrphanAndNone(t *testing.T) {
	w := newWorld(t)
	with := func(policy string) string {
		return strings.Replace(esShop, "target: {", "target: {creationPolicy: "+policy+", ", 1)
	}
	got, err := w.stage.Run(t.Context(), Application{Name: "a", Permit: permitAll}, parse(t, storeShop, with("Orphan")), serves())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"argocd.argoproj.io/sync-wave": "-1", "argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
	if !maps.Equal(got.Set[0].Annotations, want) {
		t.Errorf("annotations %v", got.Set[0].Annotations)
	}
	got, err = w.stage.Run(t.Context(), Application{Name: "b", Permit: permitAll}, parse(t, storeShop, with("None")), serves())
	if err != nil || len(got.Set) != 0 || len(got.Resolved) != 1 || got.Resolved[0].Secret.Kind != "" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestNothingPrints: no way to print a result shows a value.
func TestNothingPrints(t *testing.T) {
	w := newWorld(t)
	got, err := w.stage.Run(t.Context(), Application{Permit: permitAll}, parse(t, w.sealed(t, "shop", "db", "c4n4ry-plain")), serves())
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := got.Set.YAML(false)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %s", got, got, got, asJSON, asYAML)
	for _, canary := range []string{"c4n4ry", base64.StdEncoding.EncodeToString([]byte("c4n4ry-plain"))} {
		if strings.Contains(text, canary) {
			t.Errorf("it prints: %s", text)
		}
	}
}
