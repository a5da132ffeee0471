package sealed

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/yaml"
)

// canary is what no error may hold.
const canary = "c4n4ry-plain-text"

// keyPair makes a key as the controller does, in the form of its Secret.
func keyPair(t testing.TB) map[string][]byte { return keyPairOf(t, 2048) }

func keyPairOf(t testing.TB, bits int) map[string][]byte {
	t.Helper()
	private, certificate, err := crypto.GeneratePrivateKeyAndCert(bits, time.Hour, "test")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: keyutil.RSAPrivateKeyBlockType, Bytes: x509.MarshalPKCS1PrivateKey(private)}),
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
	}
}

func parseKeys(t testing.TB, pairs ...map[string][]byte) Keys {
	t.Helper()
	keys, err := ParseKeys(pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func seal1(t testing.TB, pair map[string][]byte, scope, namespace, name string, data map[string][]byte) map[string]any {
	t.Helper()
	raw, err := Seal(pair["tls.crt"], scope, namespace, name, data)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := yaml.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func newObject(t testing.TB, body map[string]any) *manifest.Object {
	t.Helper()
	o, err := manifest.New(body, manifest.Origin{File: "sealed.yaml", Line: 3})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func set(body map[string]any, value any, path ...string) {
	for _, field := range path[:len(path)-1] {
		next, ok := body[field].(map[string]any)
		if !ok {
			next = map[string]any{}
			body[field] = next
		}
		body = next
	}
	if value == nil {
		delete(body, path[len(path)-1])
		return
	}
	body[path[len(path)-1]] = value
}

// TestScopes seals in each scope and moves the SealedSecret elsewhere. What
// opens, and where, must be as with sealed-secrets itself, the counterpart.
func TestScopes(t *testing.T) {
	pair := keyPair(t)
	keys := parseKeys(t, pair)
	places := []struct{ what, namespace, name string }{
		{"where it belongs", "shop", "db"},
		{"another name", "shop", "cache"},
		{"another namespace", "billing", "db"},
	}
	opens := map[string][]bool{
		"strict":         {true, false, false},
		"namespace-wide": {true, true, false},
		"cluster-wide":   {true, true, true},
	}
	for scope, want := range opens {
		for i, place := range places {
			for _, template := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, template names %v", scope, place.what, template), func(t *testing.T) {
					body := seal1(t, pair, scope, "shop", "db", map[string][]byte{"password": []byte(canary)})
					set(body, place.namespace, "metadata", "namespace")
					set(body, place.name, "metadata", "name")
					if !template {
						set(body, nil, "spec", "template")
					}
					o := newObject(t, body)
					secret, err := openWith(t, o, keys, nil)
					if _, theirs := counterpart(t, o, keys); (theirs == nil) != want[i] {
						t.Fatalf("sealed-secrets itself: %v, the test wants opens=%v", theirs, want[i])
					}
					if want[i] {
						checkSecret(t, secret, err, place.namespace, place.name)
						return
					}
					kind := ErrNoKey
					if template {
						kind = ErrScope // the template tells what it was sealed for
					}
					checkError(t, err, kind, scope+" ", keys.Fingerprints()[0])
				})
			}
		}
	}
}

// counterpart opens o with sealed-secrets' own function.
func counterpart(t *testing.T, o *manifest.Object, keys Keys) (map[string][]byte, error) {
	t.Helper()
	var in ssv1alpha1.SealedSecret
	if err := yaml.Unmarshal(o.JSON(), &in); err != nil {
		t.Fatal(err)
	}
	secret, err := in.Unseal(serializer.CodecFactory{}, privates(keys))
	if err != nil {
		return nil, err
	}
	return secret.Data, nil
}

func checkSecret(t *testing.T, secret *manifest.Object, err error, namespace, name string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if want := (manifest.Key{Kind: "Secret", Namespace: namespace, Name: name}); secret.Key != want {
		t.Errorf("key %v, want %v", secret.Key, want)
	}
	if got := string(secret.Data()["password"].Reveal()); got != canary {
		t.Errorf("password is %q", got)
	}
}

func checkError(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want %q", err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error lacks %q: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("error holds plain text: %v", err)
	}
}

func TestWrongAnnotation(t *testing.T) {
	pair := keyPair(t)
	body := seal1(t, pair, "cluster-wide", "shop", "db", map[string][]byte{"password": []byte(canary)})
	set(body, nil, "metadata", "annotations")
	_, err := openWith(t, newObject(t, body), parseKeys(t, pair), nil)
	checkError(t, err, ErrScope, "it is sealed cluster-wide, and was tried as strict shop/db")
}

func TestKeys(t *testing.T) {
	old, current, foreign := keyPair(t), keyPair(t), keyPair(t)
	sealedWith := func(pair map[string][]byte) *manifest.Object {
		return newObject(t, seal1(t, pair, "strict", "shop", "db", map[string][]byte{"password": []byte(canary)}))
	}
	keys := parseKeys(t, old, current)
	for name, pair := range map[string]map[string][]byte{"old": old, "current": current} {
		secret, err := openWith(t, sealedWith(pair), keys, nil)
		t.Log(name)
		checkSecret(t, secret, err, "shop", "db")
	}
	_, err := openWith(t, sealedWith(foreign), keys, nil)
	checkError(t, err, ErrNoKey, "strict shop/db", keys.Fingerprints()[0], keys.Fingerprints()[1])
	_, err = openWith(t, sealedWith(foreign), Keys{}, nil)
	checkError(t, err, ErrNoKey, "there is no sealing key")
}

func TestParseKeys(t *testing.T) {
	good := keyPair(t)
	for _, tt := range []struct {
		name, key, want string
	}{
		{"none", "", "no tls.key"},
		{"rubbish", "hunter2hunter2", "no private key in PEM"},
		{"certificate", string(good["tls.crt"]), "no private key in PEM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := ParseKeys(map[string][]byte{"tls.key": []byte(tt.key)}, good)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if len(keys.Fingerprints()) != 1 {
				t.Errorf("the good key was not kept: %v", keys)
			}
		})
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	keys := parseKeys(t, keyPair(t))
	private := keys.held[0].private
	text := fmt.Sprintf("%v %+v %#v %s %d", keys, keys, keys, keys, keys)
	if strings.Contains(text, private.D.String()[:20]) || strings.Contains(text, "Primes") {
		t.Errorf("a key printed: %s", text)
	}
}

func TestBroken(t *testing.T) {
	pair := keyPair(t)
	keys := parseKeys(t, pair)
	flip := func(at int) func(map[string]any) {
		return func(body map[string]any) {
			data := body["spec"].(map[string]any)["encryptedData"].(map[string]any)
			raw, _ := base64.StdEncoding.DecodeString(data["password"].(string))
			if at < 0 {
				at += len(raw)
			}
			raw[at] ^= 1
			data["password"] = base64.StdEncoding.EncodeToString(raw)
		}
	}
	item := func(value any) func(map[string]any) {
		return func(body map[string]any) { set(body, value, "spec", "encryptedData", "password") }
	}
	for _, tt := range []struct {
		name  string
		spoil func(map[string]any)
		kind  error
		want  string
	}{
		{"not base64", item("%%%"), ErrBroken, `item "password": broken: it is not base64`},
		{"cut short", item("AAA="), ErrBroken, "cut short"},
		{"no session key", item("AAAAAAAA"), ErrBroken, "cut short"},
		{"a number", item(int64(7)), ErrBroken, "must map names to texts"},
		{"text altered", flip(-1), ErrBroken, "altered or cut after sealing"},
		{"session key altered", flip(9), ErrNoKey, "strict shop/db"},
		{"deprecated data", func(b map[string]any) { set(b, "AAAA", "spec", "data") }, ErrBroken, "spec.data"},
		{"no namespace", func(b map[string]any) { set(b, nil, "metadata", "namespace") }, ErrBroken, "no namespace"},
		{"unknown version", func(b map[string]any) { set(b, "bitnami.com/v2", "apiVersion") }, ErrBroken, `"v2"`},
		{"huge", item(strings.Repeat("A", maxBytes)), manifest.ErrLimit, "allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := seal1(t, pair, "strict", "shop", "db", map[string][]byte{"password": []byte(canary)})
			tt.spoil(body)
			_, err := openWith(t, newObject(t, body), keys, nil)
			checkError(t, err, tt.kind, tt.want)
		})
	}
}

// TestTemplateMetadata pins the Secret as a whole.
func TestTemplateMetadata(t *testing.T) {
	pair := keyPair(t)
	body := seal1(t, pair, "namespace-wide", "shop", "was", map[string][]byte{"password": []byte(canary)})
	set(body, "db", "metadata", "name")
	set(body, map[string]any{"on": "the SealedSecret"}, "metadata", "labels")
	set(body, map[string]any{
		"type": "example.com/login", "immutable": true,
		"metadata": map[string]any{
			"name": "was", "namespace": "elsewhere", "generateName": "x-",
			"labels": map[string]any{"app": "shop"}, "annotations": map[string]any{"a": "b"},
			"finalizers": []any{"example.com/keep"}, "unknownField": "dropped",
		},
	}, "spec", "template")
	secret, err := openWith(t, newObject(t, body), parseKeys(t, pair), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := manifest.Set{secret}.YAML(true)
	if err != nil {
		t.Fatal(err)
	}
	want := `---
apiVersion: v1
data:
  password: ` + base64.StdEncoding.EncodeToString([]byte(canary)) + `
immutable: true
kind: Secret
metadata:
  annotations:
    a: b
  finalizers:
  - example.com/keep
  generateName: x-
  labels:
    app: shop
  name: db
  namespace: shop
type: example.com/login
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if secret.Origin.String() != "sealed.yaml:3" {
		t.Errorf("origin %v", secret.Origin)
	}
}

// TestTemplates compares with sealed-secrets' own rendering, in this process
// and through the contract that the plugin serves.
func TestTemplates(t *testing.T) {
	pair := keyPair(t)
	keys := parseKeys(t, pair)
	for _, tt := range []struct{ name, data string }{
		{"plain text", `{motd: "no templates here"}`},
		{"over a sealed value", `{url: "postgres://{{ .user }}:{{ .password }}@db"}`},
		{"sprig", `{conf: "{{ .password | upper | b64enc | quote }}"}`},
		{"an absent name", `{conf: "{{ .nobody }}"}`},
		{"a sibling's raw text", `{host: db, url: "{{ .host }}/{{ .again }}", again: "{{ .user }}"}`},
		{"sealed values win", `{password: "stated {{ .user }}"}`},
		{"null drops", `{user: null, conf: "{{ .user }}"}`},
		{"null of nothing", `{other: null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := seal1(t, pair, "strict", "shop", "db", map[string][]byte{"password": []byte(canary), "user": []byte("ann")})
			var data map[string]any
			if err := yaml.Unmarshal([]byte(tt.data), &data); err != nil {
				t.Fatal(err)
			}
			set(body, data, "spec", "template", "data")
			o := newObject(t, body)
			want, err := counterpart(t, o, keys)
			if err != nil {
				t.Fatal(err)
			}
			secret, err := openWith(t, o, keys, Remote{Source{}})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]byte{}
			for key, value := range secret.Data() {
				got[key] = value.Reveal()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTemplateFailures(t *testing.T) {
	pair := keyPair(t)
	keys := parseKeys(t, pair)
	for _, tt := range []struct{ name, text, want string }{
		{"asks to fail with a value", `{{ fail .password }}`, "stops at line 1, column 3"},
		{"fails by a value's content", `{{ if hasPrefix "c4" .password }}{{ fail "yes" }}{{ end }}`, "stops at line 1"},
		{"takes a value for a name", `{{ template .password }}`, "conf"},
		{"indexes by a value", `{{ index (list) .password }}`, "stops at"},
		{"environment", `{{ env "HOME" }}`, `function "env" not defined`},
		{"more environment", `{{ expandenv "$HOME" }}`, "not defined"},
		{"network", `{{ getHostByName "a" }}`, "not defined"},
		{"too long", `{{ range until 5000 }}{{ repeat 1000 "x" }}{{ end }}`, "writes more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := seal1(t, pair, "strict", "shop", "db", map[string][]byte{"password": []byte(canary)})
			set(body, tt.text, "spec", "template", "data", "conf")
			_, err := openWith(t, newObject(t, body), keys, Remote{Source{}})
			checkError(t, err, ErrTemplate, tt.want)
			_, err = openWith(t, newObject(t, body), keys, nil)
			checkError(t, err, ErrTemplate, "nothing to run")
		})
	}
}

// silent is a plugin that answers with nothing.
type silent struct{}

func (silent) Fetch(context.Context, *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return &sdk.SecretResult{}, nil
}

func TestTemplatesLost(t *testing.T) {
	pair := keyPair(t)
	body := seal1(t, pair, "strict", "shop", "db", map[string][]byte{"password": []byte(canary)})
	set(body, "{{ .password }}", "spec", "template", "data", "conf")
	_, err := openWith(t, newObject(t, body), parseKeys(t, pair), Remote{silent{}})
	checkError(t, err, ErrTemplate, `"conf"`)
}

// FuzzOpen holds that nothing but what was sealed opens, and that no input
// panics: either an error and no Secret, or a Secret.
func FuzzOpen(f *testing.F) {
	pair := keyPair(f)
	keys := parseKeys(f, pair)
	for _, scope := range []string{"strict", "namespace-wide", "cluster-wide"} {
		raw, err := Seal(pair["tls.crt"], scope, "shop", "db", map[string][]byte{"password": []byte(canary)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a","namespace":"b"},"spec":{"encryptedData":{"k":"AAA="},"template":{"data":{"x":"{{"}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, err := manifest.Parse(raw, manifest.Origin{})
		if err != nil {
			return
		}
		for _, o := range objects {
			secret, err := openWith(t, o, keys, nil)
			if (secret == nil) == (err == nil) {
				t.Fatalf("Secret %v with error %v", secret, err)
			}
			if secret != nil && bytes.Contains(secret.JSON(), []byte(canary)) {
				t.Fatal("the body holds plain text")
			}
		}
	})
}

// openWith opens o as the agent does.
func openWith(t *testing.T, o *manifest.Object, keys Keys, templates Templates) (*manifest.Object, error) {
	t.Helper()
	return Opener{Keys: keys, Templates: templates}.Open(t.Context(), o)
}

// privates are keys as sealed-secrets' own functions want them.
func privates(keys Keys) map[string]*rsa.PrivateKey {
	all := map[string]*rsa.PrivateKey{}
	for _, held := range keys.held {
		all[held.fingerprint] = held.private
	}
	return all
}
