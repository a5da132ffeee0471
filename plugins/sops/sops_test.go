package sops_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	upstream "github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

func TestMain(m *testing.M) { pluginstest.Main(m, sops.Plugin("test")) }

// canary stands in every plain text, and may stand in no error.
const canary = "hunter2-canary"

var plainTexts = map[string]string{
	"secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: " + canary + "\n",
	"two.yaml":    "a: " + canary + "\n---\nb: 2\n",
	"values.json": "{\n\t\"password\": \"" + canary + "\"\n}\n",
	"app.env":     "PASSWORD=" + canary + "\n",
	"app.ini":     "[db]\npassword = " + canary + "\n",
	"key.pem":     "-----BEGIN x-----\n" + canary + "\n",
}

func newKey(t testing.TB, name string) (key sdk.Key, recipient string) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return sdk.Key{Kind: "age", Name: name, Material: []byte("# created: now\n" + identity.String() + "\n")}, identity.Recipient().String()
}

// encrypt does what `sops encrypt` does.
func encrypt(t testing.TB, name, plain string, recipients ...string) []byte {
	t.Helper()
	store := common.StoreForFormat(formats.FormatFromString(detect.Format(name)), config.NewStoresConfig())
	branches, err := store.LoadPlainFile([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sopsage.MasterKeysFromRecipients(strings.Join(recipients, ","))
	if err != nil {
		t.Fatal(err)
	}
	dataKey := bytes.Repeat([]byte{7}, 32)
	group := upstream.KeyGroup{}
	for _, k := range keys {
		if err := k.Encrypt(dataKey); err != nil {
			t.Fatal(err)
		}
		group = append(group, k)
	}
	tree := upstream.Tree{Branches: branches, Metadata: upstream.Metadata{
		KeyGroups: []upstream.KeyGroup{group}, Version: "3.13.3", UnencryptedSuffix: "_unencrypted", LastModified: time.Unix(1e9, 0).UTC(),
	}}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: dataKey, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		t.Fatal(err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFormats(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "sops"})
	other, _ := newKey(t, "other.agekey")
	key, recipient := newKey(t, "demo.agekey")
	for name, plain := range plainTexts {
		t.Run(name, func(t *testing.T) {
			data := encrypt(t, name, plain, recipient)
			if !detect.IsEncrypted(data, detect.Format(name)) {
				t.Errorf("not detected as encrypted:\n%s", data)
			}
			if detect.IsEncrypted([]byte(plain), detect.Format(name)) {
				t.Errorf("the plain text is detected as encrypted")
			}
			got, err := h.Decrypt(context.Background(), "sops", &sdk.DecryptRequest{
				Application: "shop", Path: name, Data: data, Keys: []sdk.Key{other, key},
			})
			if err != nil || string(got) != plain {
				t.Errorf("got %q, %v; want %q", got, err, plain)
			}
		})
	}
}

var longHash = regexp.MustCompile(`(?i)[0-9a-f]{32}`)

func TestRefusals(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "sops"})
	other, _ := newKey(t, "Secret argocd/sops-age, key other.agekey")
	key, recipient := newKey(t, "demo.agekey")
	const name = "secret.yaml"
	good := encrypt(t, name, plainTexts[name], recipient)
	swap := func(old, now string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in\n%s", old, good)
		}
		return bytes.Replace(good, []byte(old), []byte(now), 1)
	}
	for _, tt := range []struct {
		name string
		data []byte
		keys []sdk.Key
		is   error
		says []string
	}{
		{"no keys", good, nil, sdk.ErrNoKey, []string{recipient, "there are no keys"}},
		{"another key", good, []sdk.Key{other}, sdk.ErrNoKey, []string{recipient, "argocd/sops-age, key other.agekey", "secret.yaml"}},
		{"a value taken out", swap("    name:", "    nome:"), []sdk.Key{key}, sops.ErrDamaged, nil},
		{"a value changed", swap("ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:AAAA"), []sdk.Key{key}, sops.ErrDamaged, nil},
		{"no mac", regexp.MustCompile(`(?m)^    mac: .*\n`).ReplaceAll(good, nil), []sdk.Key{key}, nil, nil},
		{"data key damaged", swap("-----BEGIN AGE ENCRYPTED FILE-----\n", "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA"), []sdk.Key{key}, nil, nil},
		{"not encrypted", []byte(plainTexts[name]), []sdk.Key{key}, sops.ErrNotEncrypted, nil},
		{"malformed", []byte("a: [" + canary), []sdk.Key{key}, sops.ErrMalformed, nil},
		{"metadata malformed", swap("lastmodified: ", "lastmodified: x"), []sdk.Key{key}, sops.ErrMalformed, nil},
		{"a key of another kind", good, []sdk.Key{{Kind: "pgp", Name: "a.asc", Material: []byte(canary)}}, nil, []string{"pgp", "a.asc"}},
		{"a key that is none", good, []sdk.Key{{Kind: "age", Name: "b.agekey", Material: []byte(canary)}}, nil, []string{"b.agekey", "AGE-SECRET-KEY-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := &sdk.DecryptRequest{Application: "shop", Path: name, Data: tt.data, Keys: tt.keys}
			plain, direct := sops.Decrypter{}.Decrypt(context.Background(), req)
			if plain != nil || direct == nil || tt.is != nil && !errors.Is(direct, tt.is) {
				t.Fatalf("got %q, %v; want %v", plain, direct, tt.is)
			}
			_, err := h.Decrypt(context.Background(), "sops", req)
			for _, part := range append(tt.says, "plugin sops: decrypt of application shop: secret.yaml") {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want it to say %q", err, part)
				}
			}
			if errors.Is(tt.is, sdk.ErrNoKey) != errors.Is(err, sdk.ErrNoKey) {
				t.Errorf("through the host: %v, want %v", err, tt.is)
			}
			if text := err.Error(); strings.Contains(text, canary) || longHash.MatchString(text) {
				t.Errorf("the error tells too much: %s", text)
			}
		})
	}
}

func FuzzDecrypt(f *testing.F) {
	key, recipient := newKey(f, "demo.agekey")
	for name, plain := range plainTexts {
		f.Add(encrypt(f, name, plain, recipient), name)
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		plain, err := sops.Decrypter{}.Decrypt(context.Background(), &sdk.DecryptRequest{Path: name, Data: data, Keys: []sdk.Key{key}})
		if err != nil && plain != nil {
			t.Errorf("an error came with %d bytes", len(plain))
		}
	})
}

func BenchmarkPlugin(b *testing.B) {
	h := pluginstest.Host(b, host.Spec{Name: "sops"})
	key, recipient := newKey(b, "demo.agekey")
	req := &sdk.DecryptRequest{Path: "secret.yaml", Data: encrypt(b, "secret.yaml", plainTexts["secret.yaml"], recipient), Keys: []sdk.Key{key}}
	for b.Loop() {
		if _, err := h.Decrypt(context.Background(), "sops", req); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range h.Processes() {
		b.ReportMetric(float64(p.PSS>>10)/1024, "pss-MB")
	}
}
