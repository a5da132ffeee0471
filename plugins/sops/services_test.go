package sops_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/doubles"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// login is a key of a service.
func login(kind, material string, settings ...string) sdk.Key {
	key := sdk.Key{Kind: kind, Name: "Secret argocd/kms, key sops." + kind, Material: []byte(material), Settings: map[string]string{}}
	for i := 0; i < len(settings); i += 2 {
		key.Settings[settings[i]] = settings[i+1]
	}
	return key
}

// TestClouds asks each double, well and badly.
func TestClouds(t *testing.T) {
	aws, gcp, azure := doubles.NewAWS(t), doubles.NewGCP(t), doubles.NewAzure(t)
	h := newHost(t, "AWS_ENDPOINT_URL_KMS="+aws.URL, "SOPS_GCP_KMS_ENDPOINT="+gcp.URL, "SSL_CERT_FILE="+azure.Authority, "HTTPS_PROXY="+azure.Proxy)
	dataKey := []byte(strings.Repeat("k", 32))
	tool := newTool(t,
		"AWS_ACCESS_KEY_ID="+aws.ID, "AWS_SECRET_ACCESS_KEY="+aws.Secret, "AWS_ENDPOINT_URL_KMS="+aws.URL,
		"GOOGLE_CREDENTIALS="+gcp.Credentials(), "SOPS_GCP_KMS_ENDPOINT="+gcp.URL, "SOPS_GCP_KMS_CLIENT_TYPE=rest")
	const plain = "a: " + canary + "\n"
	role := aws.ARN + "+arn:aws:iam::111122223333:role/admin"
	files := map[string][]byte{
		"aws":   tool.encrypt(t, "a.yaml", plain, map[string]any{"kms": aws.ARN}),
		"gcp":   tool.encrypt(t, "a.yaml", plain, map[string]any{"gcp_kms": gcp.Key}),
		"azure": encryptFor(t, plain, dataKey, &azkv.MasterKey{VaultURL: doubles.AzureVault, Name: "sops", Version: azure.Version, EncryptedKey: azure.Encrypt(dataKey)}),
		"role":  encryptFor(t, plain, dataKey, kms.NewMasterKeyFromArn(role, nil, "")),
	}
	awsLogin, gcpLogin := login(open.AWS, aws.Credentials()), login(open.GCP, gcp.Credentials())
	azureKeys := doubles.AzureVault + "/keys/sops"
	azureLogin := login(open.Azure, azure.Credentials())
	aws.Calls()
	gcp.Calls()
	for _, tt := range []struct {
		name, file string
		key        sdk.Key
		fail       func()
		says       string // "" if it opens
		failing    bool
		calls      func() []string
		want       []string
	}{
		{name: "aws", file: "aws", key: awsLogin, calls: aws.Calls, want: []string{"Decrypt 0"}},
		{name: "aws, allowed by name", file: "aws", key: login(open.AWS, aws.Credentials(), open.Allow, "x\n"+aws.ARN), calls: aws.Calls, want: []string{"Decrypt 0"}},
		{name: "aws, allowed by pattern", file: "aws", key: login(open.AWS, aws.Credentials(), open.Allow, "arn:aws:kms:eu-central-1:*"), calls: aws.Calls, want: []string{"Decrypt 0"}},
		{name: "aws, not allowed", file: "aws", key: login(open.AWS, aws.Credentials(), open.Allow, "arn:aws:kms:eu-west-1:*"), says: "its Secret does not allow this key: add it to the entry sops.aws-kms-keys", calls: aws.Calls},
		{name: "aws, throttled", file: "aws", key: awsLogin, fail: func() { aws.Then(429) }, calls: aws.Calls, want: []string{"Decrypt 429", "Decrypt 0"}},
		{name: "aws, failing", file: "aws", key: awsLogin, fail: func() { aws.Then(500, 500, 500) }, says: "it answered 500 Internal Server Error: KMSInternalException: try again", failing: true, calls: aws.Calls, want: []string{"Decrypt 500", "Decrypt 500", "Decrypt 500"}},
		{name: "aws, wrong secret", file: "aws", key: login(open.AWS, strings.Replace(aws.Credentials(), aws.Secret, canary+"-secret", 1)), says: "it answered 400 Bad Request: InvalidSignatureException", calls: aws.Calls, want: []string{"Decrypt 0"}},
		{name: "aws, no credentials", file: "aws", key: login(open.AWS, canary), says: "not credentials of AWS: expected YAML with aws_access_key_id", calls: aws.Calls},
		{name: "aws, a role", file: "role", key: awsLogin, says: "the file wants the role arn:aws:iam::111122223333:role/admin, which its Secret does not allow", calls: aws.Calls},
		{name: "aws, the pod's login, which there is not", file: "aws", key: login(open.AWS, "", open.Ambient, "true"), says: "Secret argocd/kms, key sops.aws-kms: ", calls: aws.Calls},

		{name: "gcp", file: "gcp", key: gcpLogin, calls: gcp.Calls},
		{name: "gcp, not allowed", file: "gcp", key: login(open.GCP, gcp.Credentials(), open.Allow, gcp.Key+"-other"), says: "sops.gcp-kms-keys", calls: gcp.Calls},
		{name: "gcp, throttled", file: "gcp", key: gcpLogin, fail: func() { gcp.Then(0, 503) }, calls: gcp.Calls},
		{name: "gcp, another account", file: "gcp", key: login(open.GCP, otherAccount(t, gcp)), says: "it answered 40", calls: gcp.Calls},
		{name: "gcp, no credentials", file: "gcp", key: login(open.GCP, canary), says: "expected the JSON of a service account's key", calls: gcp.Calls},

		{name: "azure", file: "azure", key: azureLogin, calls: azure.Calls, want: []string{"login 0", "decrypt 0"}},
		{name: "azure, throttled", file: "azure", key: azureLogin, fail: func() { azure.Then(0, 429) }, calls: azure.Calls, want: []string{"login 0", "decrypt 429", "decrypt 0"}},
		{name: "azure, allowed by name", file: "azure", key: login(open.Azure, azure.Credentials(), open.Allow, azureKeys), calls: azure.Calls, want: []string{"login 0", "decrypt 0"}},
		{name: "azure, not allowed", file: "azure", key: login(open.Azure, azure.Credentials(), open.Allow, azureKeys+"-other"), says: "its Secret does not allow this key: add it to the entry sops.azure-kv-keys", calls: azure.Calls},
		{name: "azure, wrong secret", file: "azure", key: login(open.Azure, strings.Replace(azure.Credentials(), "clientSecret: ", "clientSecret: "+canary, 1), open.Allow, azureKeys), says: "it answered 401 Unauthorized: at the login", calls: azure.Calls, want: []string{"login 0"}},
		{name: "azure, half a login", file: "azure", key: login(open.Azure, "clientId: x\nclientSecret: "+canary, open.Allow, azureKeys), says: "not a login of Azure: expected tenantId", calls: azure.Calls},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fail != nil {
				tt.fail()
			}
			got, err := decrypt(h, "a.yaml", files[tt.file], tt.key)
			calls := tt.calls()
			switch {
			case tt.says == "" && (err != nil || got != plain):
				t.Fatalf("got %q, %v after %q", got, err, calls)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, sdk.ErrNoKey) == tt.failing):
				t.Errorf("got %v, want it to say %q", err, tt.says)
			case err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), aws.Secret)):
				t.Errorf("the error tells too much: %v", err)
			}
			if tt.want != nil && !slices.Equal(calls, tt.want) || tt.says != "" && tt.want == nil && strings.Contains(tt.says, "allow") && len(calls) > 0 {
				t.Errorf("asked were %q, want %q", calls, tt.want)
			}
		})
	}
}

// otherAccount is a login that the double does not know.
func otherAccount(t *testing.T, gcp *doubles.GCP) string {
	other := doubles.NewGCP(t)
	return strings.ReplaceAll(other.Credentials(), other.URL, gcp.URL)
}

// A vault is as much of Vault as shows what is sent to it.
type vault struct {
	*httptest.Server
	mu        sync.Mutex // guards the fields below
	seen      []string
	redirects string
}

func newVault(t *testing.T, token string, dataKey []byte) *vault {
	v := &vault{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.seen = append(v.seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Vault-Namespace"))
		switch {
		case v.redirects != "":
			http.Redirect(w, r, v.redirects+r.URL.Path, http.StatusTemporaryRedirect)
		case r.Header.Get("X-Vault-Token") != token:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors": ["permission denied"]}`)
		default:
			fmt.Fprintf(w, `{"data": {"plaintext": %q}}`, base64.StdEncoding.EncodeToString(dataKey))
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vault) asked() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.seen
	v.seen = nil
	return seen
}

// TestVaultToken holds what a file can make of a token: it goes nowhere but where
// its Secret says, and writes nothing but transit's decrypt path. What Vault makes
// of it is tried with a real one.
func TestVaultToken(t *testing.T) {
	dataKey := []byte(strings.Repeat("k", 32))
	const token = "hvs." + canary
	good, evil := newVault(t, token, dataKey), newVault(t, token, dataKey)
	h := newHost(t)
	file := func(address, engine, name string) []byte {
		return encryptFor(t, "a: b\n", dataKey, &hcvault.MasterKey{VaultAddress: address, EnginePath: engine, KeyName: name, EncryptedKey: "vault:v1:x"})
	}
	at := good.URL
	for _, tt := range []struct {
		name, address, engine, key string
		allow                      string
		redirects                  string
		says                       string
		asked                      string
	}{
		{name: "good", allow: at, asked: "POST /v1/transit/decrypt/shop "},
		{name: "a slash at the end", address: at + "/", allow: at + "/", asked: "POST /v1/transit/decrypt/shop "},
		{name: "one of several", allow: "https://vault.example.com, " + at, asked: "POST /v1/transit/decrypt/shop "},
		{name: "one key", allow: at + "/v1/transit/keys/shop", asked: "POST /v1/transit/decrypt/shop "},
		{name: "keys of a team", allow: at + "/v1/transit/keys/sh*", asked: "POST /v1/transit/decrypt/shop "},
		{name: "keys of another team", allow: at + "/v1/transit/keys/web-*", says: "the token may not be sent there"},
		{name: "an engine deeper down", engine: "team/transit", allow: at, asked: "POST /v1/team/transit/decrypt/shop "},
		{name: "no address said", says: "it is not said to which Vault the token may be sent: add the entry sops.vault-address to its Secret, or set VAULT_ADDR on your own machine, to " + at},
		{name: "another address", address: evil.URL, allow: at, says: "the token may not be sent there"},
		{name: "an address that only begins so", address: at + ".evil.example.com", allow: at, says: "https://host:port"},
		{name: "a user's name", address: strings.Replace(evil.URL, "http://", "http://"+strings.TrimPrefix(at, "http://")+"@", 1), allow: at, says: "not of the form https://host:port"},
		{name: "another scheme", address: "https" + strings.TrimPrefix(at, "http"), allow: at, says: "may not be sent there"},
		{name: "a path in the address", address: at + "/v1/sys/seal?", allow: at, says: "not of the form"},
		{name: "a name that climbs", key: "../../auth/token/create", allow: at, says: "engine_path or key_name is none of Vault's"},
		{name: "an engine that climbs", engine: "../sys", allow: at, says: "engine_path or key_name is none of Vault's"},
		{name: "a name with a query", key: "shop?x=y", allow: at, says: "engine_path or key_name"},
		{name: "a name that is escaped", key: "%2e%2e", allow: at, says: "engine_path or key_name"},
		{name: "a redirect", allow: at, redirects: evil.URL, says: "it redirects to another address, where the token may not go", asked: "POST /v1/transit/decrypt/shop "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good.mu.Lock()
			good.redirects = tt.redirects
			good.mu.Unlock()
			data := file(or(tt.address, at), or(tt.engine, "transit"), or(tt.key, "shop"))
			got, err := decrypt(h, "a.yaml", data, login(open.VaultToken, token+"\n", open.Allow, tt.allow))
			if tt.says == "" && (err != nil || got != "a: b\n") {
				t.Errorf("got %q, %v", got, err)
			}
			if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), canary)) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
			if asked := strings.Join(good.asked(), "\n"); strings.ReplaceAll(asked, "PUT", "POST") != tt.asked {
				t.Errorf("asked was %q, want %q", asked, tt.asked)
			}
			if asked := evil.asked(); len(asked) > 0 {
				t.Errorf("the other one was asked: %q", asked)
			}
		})
	}
	good.redirects = ""
	_, err := decrypt(h, "a.yaml", file(at, "transit", "shop"), login(open.VaultToken, "x", open.Allow, at, open.Namespace, "team"))
	if err == nil || !strings.Contains(err.Error(), "it answered 403 Forbidden: permission denied") || !errors.Is(err, sdk.ErrNoKey) {
		t.Errorf("a wrong token gives %v", err)
	}
	if asked := good.asked(); len(asked) != 1 || !strings.HasSuffix(asked[0], " team") {
		t.Errorf("asked was %q", asked)
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// TestNames refuses names that become parts of addresses.
func TestNames(t *testing.T) {
	h := newHost(t)
	dataKey := []byte(strings.Repeat("k", 32))
	aws := login(open.AWS, "aws_access_key_id: a\naws_secret_access_key: b\n")
	for _, tt := range []struct {
		key  keys.MasterKey
		with sdk.Key
		says string
	}{
		{&kms.MasterKey{Arn: "arn:aws:kms:evil.example.com/:111122223333:key/a"}, aws, "the file's arn is none of a key of AWS KMS"},
		{&kms.MasterKey{Arn: "arn:aws:kms:eu-west-1@evil.com#:111122223333:key/a"}, aws, "the file's arn is none"},
		{&gcpkms.MasterKey{ResourceID: "projects/a/locations/b/keyRings/c/cryptoKeys/../../d"}, login(open.GCP, "{}"), "the file's resource_id is none"},
		{&gcpkms.MasterKey{ResourceID: "projects/a?x=/locations/b/keyRings/c/cryptoKeys/d"}, login(open.GCP, "{}"), "the file's resource_id is none"},
		{&azkv.MasterKey{VaultURL: "https://evil.example.com", Name: "a", Version: "b"}, login(open.Azure, "{}"), "evil.example.com is no host of Azure's"},
		{&azkv.MasterKey{VaultURL: "https://vault.azure.net.evil.example.com", Name: "a", Version: "b"}, login(open.Azure, "{}"), "is no host of Azure's"},
		{&azkv.MasterKey{VaultURL: "http://a.vault.azure.net", Name: "a", Version: "b"}, login(open.Azure, "{}"), "none of Azure's"},
		{&azkv.MasterKey{VaultURL: "https://a.vault.azure.net", Name: "../b", Version: "c"}, login(open.Azure, "{}"), "none of Azure's"},
	} {
		_, err := decrypt(h, "a.yaml", encryptFor(t, "a: b\n", dataKey, tt.key), tt.with)
		if err == nil || !strings.Contains(err.Error(), tt.says) || !errors.Is(err, sdk.ErrNoKey) {
			t.Errorf("%s: got %v, want it to say %q", tt.key.ToString(), err, tt.says)
		}
	}
}

// TestLocalFirst asks no service for what a key in hand opens, and gives services
// neither keys nor plain text.
func TestLocalFirst(t *testing.T) {
	aws := doubles.NewAWS(t)
	key, recipient := newKey(t, "demo.agekey")
	s := newTool(t, "AWS_ACCESS_KEY_ID="+aws.ID, "AWS_SECRET_ACCESS_KEY="+aws.Secret, "AWS_ENDPOINT_URL_KMS="+aws.URL)
	data := s.encrypt(t, "a.yaml", "a: "+canary+"\n", map[string]any{"kms": aws.ARN, "age": recipient})
	aws.Calls()
	var given []string
	through := func(h decrypts) open.Decrypt {
		return func(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error) {
			for _, k := range req.Keys {
				given = append(given, plugin+" "+k.Kind)
			}
			return h.Decrypt(ctx, plugin, req)
		}
	}
	h := newHost(t, "AWS_ENDPOINT_URL_KMS="+aws.URL)
	other, _ := newKey(t, "other.agekey")
	for _, tt := range []struct {
		with []sdk.Key
		want []string
	}{
		{[]sdk.Key{login(open.AWS, aws.Credentials()), key}, []string{"sops age"}},
		{[]sdk.Key{login(open.AWS, aws.Credentials()), other}, []string{"sops age", "sops-services aws-kms", "sops age", "sops answers"}},
	} {
		given = nil
		got, err := open.File(context.Background(), through(h), &sdk.DecryptRequest{Path: "a.yaml", Data: data, Keys: tt.with})
		if err != nil || string(got) != "a: "+canary+"\n" {
			t.Errorf("got %q, %v", got, err)
		}
		if !slices.Equal(given, tt.want) {
			t.Errorf("given was %q, want %q", given, tt.want)
		}
	}
	if calls := aws.Calls(); len(calls) != 1 {
		t.Errorf("asked was %q", calls)
	}
}

type decrypts interface {
	Decrypt(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error)
}

// TestHang gives up on a service that does not answer, before its plugin would be
// killed, and tells so.
func TestHang(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}))
	defer server.Close()
	defer close(release)
	data := encryptFor(t, "a: b\n", []byte(strings.Repeat("k", 32)), &hcvault.MasterKey{VaultAddress: server.URL, EnginePath: "transit", KeyName: "shop", EncryptedKey: "x"})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	answers, err := sops.Services{}.Decrypt(ctx, &sdk.DecryptRequest{Path: "a.yaml", Data: data, Keys: []sdk.Key{login(open.VaultToken, "x", open.Allow, server.URL)}})
	if err != nil || !strings.Contains(string(answers), `"failing":true`) || !strings.Contains(string(answers), "no answer within") {
		t.Fatalf("got %s, %v", answers, err)
	}
	_, err = sops.Decrypter{}.Decrypt(context.Background(), &sdk.DecryptRequest{Path: "a.yaml", Data: data, Keys: []sdk.Key{{Kind: open.Answers, Material: answers}}})
	if err == nil || errors.Is(err, sdk.ErrNoKey) || !strings.Contains(err.Error(), "a key service does not answer: encrypted with SOPS for Vault "+server.URL) {
		t.Errorf("got %v", err)
	}
}

// TestAmbient logs in with what the surroundings have, where a key says so, and
// with nothing of it where none does.
func TestAmbient(t *testing.T) {
	aws, gcp, azure := doubles.NewAWS(t), doubles.NewGCP(t), doubles.NewAzure(t)
	account := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(account, []byte(gcp.Credentials()), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"AWS_ENDPOINT_URL_KMS=" + aws.URL, "AWS_ACCESS_KEY_ID=" + aws.ID, "AWS_SECRET_ACCESS_KEY=" + aws.Secret,
		"SOPS_GCP_KMS_ENDPOINT=" + gcp.URL, "GOOGLE_APPLICATION_CREDENTIALS=" + account,
		"SSL_CERT_FILE=" + azure.Authority, "HTTPS_PROXY=" + azure.Proxy,
	}
	s := newTool(t, append(env[:4:4], "SOPS_GCP_KMS_CLIENT_TYPE=rest", "GOOGLE_CREDENTIALS="+gcp.Credentials())...)
	h := newHost(t, append(env, azure.Environment()...)...)
	dataKey := []byte(strings.Repeat("k", 32))
	for kind, data := range map[string][]byte{
		open.AWS:   s.encrypt(t, "a.yaml", "a: b\n", map[string]any{"kms": aws.ARN}),
		open.GCP:   s.encrypt(t, "a.yaml", "a: b\n", map[string]any{"gcp_kms": gcp.Key}),
		open.Azure: encryptFor(t, "a: b\n", dataKey, &azkv.MasterKey{VaultURL: doubles.AzureVault, Name: "sops", Version: azure.Version, EncryptedKey: azure.Encrypt(dataKey)}),
	} {
		t.Run(kind, func(t *testing.T) {
			if got, err := decrypt(h, "a.yaml", data, login(kind, "", open.Ambient, "true")); err != nil || got != "a: b\n" {
				t.Errorf("got %q, %v", got, err)
			}
			if _, err := decrypt(h, "a.yaml", data, login(kind, "")); !errors.Is(err, sdk.ErrNoKey) || !strings.Contains(err.Error(), "not ") {
				t.Errorf("an empty login gives %v", err)
			}
			if _, err := decrypt(h, "a.yaml", data); !errors.Is(err, sdk.ErrNoKey) || !strings.Contains(err.Error(), "there are no keys") {
				t.Errorf("no login gives %v", err)
			}
		})
	}
}
