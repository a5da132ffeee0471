package git

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidelock-io/tidelock/secrets"
)

// What Entra ID and Google give is shown to the repository's server, Azure's as
// a bearer token.
func TestCloudIdentities(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	private, key := newAppKey(t)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /acme/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		secret := r.PostFormValue("client_id") == "robot" && r.PostFormValue("client_secret") == "hunter22"
		federated := r.PostFormValue("client_id") == "pod" && r.PostFormValue("client_assertion") == "hunter-jwt" &&
			r.PostFormValue("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		w.Header().Set("Content-Type", "application/json")
		if !secret && !federated || r.PostFormValue("scope") != "499b84ac-1321-427f-aa17-267ca6975798/.default" || r.PostFormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error": "invalid_client", "error_description": "AADSTS7000215: %s"}`, r.PostFormValue("client_secret"))
			return
		}
		fmt.Fprint(w, `{"access_token": "hunter-azure", "token_type": "Bearer", "expires_in": 3600}`)
	})
	mux.HandleFunc("POST /google", func(w http.ResponseWriter, r *http.Request) {
		_, err := jwt.Parse(r.PostFormValue("assertion"), func(*jwt.Token) (any, error) { return &private.PublicKey, nil },
			jwt.WithIssuer("robot@acme.iam"), jwt.WithExpirationRequired())
		if err != nil {
			http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token": "hunter-google", "token_type": "Bearer", "expires_in": 3600}`)
	})
	tokens := httptest.NewServer(mux)
	t.Cleanup(tokens.Close)
	web := u.serve("", "")
	guard := func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer hunter-azure" && (user != "robot@acme.iam" || password != "hunter-google") {
			http.Error(w, "no", http.StatusUnauthorized)
			return true
		}
		r.Header.Del("Authorization")
		return false
	}
	web.before.Store(&guard)

	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("hunter-jwt\n"), 0o600))
	google := func(kind, uri string, key secrets.Value) secrets.Value {
		text, err := json.Marshal(map[string]string{"type": kind, "client_email": "robot@acme.iam", "private_key": string(key.Reveal()), "token_uri": uri})
		must(t, err)
		return secrets.New(text)
	}
	rubbish := secrets.New(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("hunter")}))
	hunter := secrets.New([]byte("hunter22"))
	wrong := secrets.New([]byte("hunter23"))
	for _, tt := range []struct {
		name        string
		env         map[string]string
		credentials Credentials
		kind        error
		says        string
	}{
		{"principal", nil, Credentials{Azure: Azure{ClientID: "robot", TenantID: "acme", ClientSecret: hunter, Endpoint: tokens.URL}}, nil, ""},
		{"wrong secret", nil, Credentials{Azure: Azure{ClientID: "robot", TenantID: "acme", ClientSecret: wrong, Endpoint: tokens.URL}}, ErrAuth, "AADSTS7000215: (hidden)"},
		{"no tenant", nil, Credentials{Azure: Azure{ClientID: "robot", ClientSecret: hunter, Endpoint: tokens.URL}}, ErrAuth, "no tenant id"},
		{"nobody there", nil, Credentials{Azure: Azure{ClientID: "robot", TenantID: "acme", ClientSecret: hunter, Endpoint: "http://127.0.0.1:1"}}, ErrRepository, "connection refused"},
		{"workload", map[string]string{"AZURE_CLIENT_ID": "pod", "AZURE_TENANT_ID": "acme", "AZURE_AUTHORITY_HOST": tokens.URL + "/", "AZURE_FEDERATED_TOKEN_FILE": file},
			Credentials{Azure: Azure{WorkloadIdentity: true}}, nil, ""},
		{"no workload", nil, Credentials{Azure: Azure{WorkloadIdentity: true}}, ErrAuth, "AZURE_FEDERATED_TOKEN_FILE"},
		{"lost token", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": file + "x"}, Credentials{Azure: Azure{WorkloadIdentity: true}}, ErrAuth, "no such file"},
		{"google", nil, Credentials{GoogleKey: google("service_account", tokens.URL+"/google", key)}, nil, ""},
		{"google, broken key", nil, Credentials{GoogleKey: google("service_account", tokens.URL+"/google", rubbish)}, ErrAuth, "cannot be read"},
		{"google, other kind", nil, Credentials{GoogleKey: google("external_account", tokens.URL+"/google", key)}, ErrAuth, "gcpServiceAccountKey is not the key"},
		{"google, refused", nil, Credentials{GoogleKey: google("service_account", tokens.URL+"/nowhere", key)}, ErrAuth, "gives no token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"} {
				t.Setenv(name, tt.env[name])
			}
			s := newStore(t, Options{})
			repo := Repo{URL: web.url(), Credentials: tt.credentials}
			sha, err := s.Resolve(t.Context(), repo, "main")
			if !errors.Is(err, tt.kind) || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter")) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.says)
			}
			if tt.kind == nil && (sha != first || content(t, tree(t, s, repo, sha), "a") != "1") {
				t.Errorf("got %s", sha)
			}
		})
	}
}
