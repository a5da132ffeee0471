package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

const (
	googleToken   = "google-t0ken"
	googleAccount = "reader@project.iam.gserviceaccount.com"
	googleScope   = "https://www.googleapis.com/auth/cloud-platform"
)

// secretManagerDouble answers as Google's Secret Manager: who has no token, or
// routes a request elsewhere, is refused; lists have pages; quotas run out.
type secretManagerDouble struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	parent string

	mu       sync.Mutex // guards the fields below
	throttle int
	versions []string
}

// authorize checks a call's metadata.
func (d *secretManagerDouble) authorize(ctx context.Context, routing string) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if got := strings.Join(md.Get("authorization"), ","); got != "Bearer "+googleToken {
		return grpcstatus.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	}
	if got := strings.Join(md.Get("x-goog-request-params"), ","); got != routing {
		return grpcstatus.Errorf(codes.InvalidArgument, "routed by %q", got)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.throttle > 0 {
		d.throttle--
		return grpcstatus.Error(codes.ResourceExhausted, "Quota exceeded for quota metric 'Access requests'.")
	}
	return nil
}

func (d *secretManagerDouble) AccessSecretVersion(ctx context.Context, req *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	if err := d.authorize(ctx, "name="+strings.ReplaceAll(req.GetName(), "/", "%2F")); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.versions = append(d.versions, req.GetName())
	d.mu.Unlock()
	value, ok := map[string]string{
		"/secrets/db/versions/latest":    `{"user":"ann","password":"` + canary + `"}`,
		"/secrets/db/versions/1":         "the first",
		"/secrets/other/versions/latest": "o",
	}[strings.TrimPrefix(req.GetName(), d.parent)]
	if !ok {
		return nil, grpcstatus.Errorf(codes.NotFound, "Secret [%s] not found or has no versions.", req.GetName())
	}
	return &secretmanagerpb.AccessSecretVersionResponse{Name: req.GetName(), Payload: &secretmanagerpb.SecretPayload{Data: []byte(value)}}, nil
}

func (d *secretManagerDouble) GetSecret(ctx context.Context, req *secretmanagerpb.GetSecretRequest) (*secretmanagerpb.Secret, error) {
	if err := d.authorize(ctx, "name="+strings.ReplaceAll(req.GetName(), "/", "%2F")); err != nil {
		return nil, err
	}
	return &secretmanagerpb.Secret{Name: req.GetName(), Labels: map[string]string{"team": "web"}}, nil
}

func (d *secretManagerDouble) ListSecrets(ctx context.Context, req *secretmanagerpb.ListSecretsRequest) (*secretmanagerpb.ListSecretsResponse, error) {
	if err := d.authorize(ctx, "parent="+strings.ReplaceAll(req.GetParent(), "/", "%2F")); err != nil {
		return nil, err
	}
	if req.GetParent() != d.parent {
		return nil, grpcstatus.Error(codes.PermissionDenied, req.GetParent())
	}
	if req.GetPageToken() == "" {
		return &secretmanagerpb.ListSecretsResponse{Secrets: []*secretmanagerpb.Secret{{Name: d.parent + "/secrets/db"}}, NextPageToken: "2"}, nil
	}
	return &secretmanagerpb.ListSecretsResponse{Secrets: []*secretmanagerpb.Secret{{Name: d.parent + "/secrets/other"}}}, nil
}

// tokensDouble gives tokens for what is signed with the key.
func tokensDouble(key *rsa.PublicKey) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(r.PostFormValue("assertion"), claims, func(*jwt.Token) (any, error) { return key, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience("https://oauth2.googleapis.com/token"), jwt.WithIssuer(googleAccount), jwt.WithExpirationRequired())
		if err != nil || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || claims["scope"] != googleScope {
			answerJSON(w, 400, map[string]string{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
			return
		}
		answerJSON(w, 200, map[string]any{"access_token": googleToken, "expires_in": 3599, "token_type": "Bearer"})
	})
	return mux
}

// bindingDouble gives a token for that of a ServiceAccount.
func bindingDouble() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Token    string `json:"subject_token"`
			Audience string `json:"audience"`
			Grant    string `json:"grant_type"`
			Scope    string `json:"scope"`
		}
		if json.NewDecoder(r.Body).Decode(&ask) != nil || r.URL.Path != "/v1/identitybindingtoken" || ask.Token != "t0ken-of-reader" || ask.Scope != googleScope ||
			ask.Grant != "urn:ietf:params:oauth:grant-type:token-exchange" ||
			ask.Audience != "identitynamespace:project.svc.id.goog:https://container.googleapis.com/v1/projects/project/locations/europe-west3/clusters/main" {
			answerJSON(w, 403, map[string]string{"error": "invalid_grant"})
			return
		}
		answerJSON(w, 200, map[string]any{"access_token": googleToken, "expires_in": 3599, "token_type": "Bearer"})
	})
}

func TestGCP(t *testing.T) {
	keyOf := func() (*rsa.PrivateKey, string) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(map[string]string{
			"type": "service_account", "project_id": "project", "private_key_id": "1", "client_email": googleAccount,
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": googleTokens[0],
		})
		if err != nil {
			t.Fatal(err)
		}
		return key, string(raw)
	}
	key, file := keyOf()
	_, wrong := keyOf()
	const byKey = "auth: {secretRef: {secretAccessKeySecretRef: {name: google, key: key}}}"
	const byAccount = "auth: {workloadIdentity: {serviceAccountRef: {name: reader}, clusterProjectID: project, clusterLocation: europe-west3, clusterName: main}}"
	const property = "data: [{secretKey: p, remoteRef: {key: db, property: password}}]"
	for _, tt := range []struct {
		name, store, spec, want string
		throttle                int
	}{
		{name: "a property", store: byKey, spec: property, want: "p: " + canary + "\n"},
		{name: "a version", store: byKey, spec: "data: [{secretKey: p, remoteRef: {key: db, version: '1'}}]", want: "p: the first\n"},
		{name: "labels", store: byKey, spec: "data: [{secretKey: p, remoteRef: {key: db, metadataPolicy: Fetch, property: labels.team}}]", want: "p: web\n"},
		{name: "extract", store: byKey, spec: "dataFrom: [{extract: {key: db}}]", want: "password: " + canary + "\nuser: ann\n"},
		{name: "find over pages", store: byKey, spec: "dataFrom: [{find: {name: {regexp: .}}}]", want: "db: {\"user\":\"ann\",\"password\":\"" + canary + "\"}\nother: o\n"},
		{name: "a location", store: byKey + ", location: europe-west3", spec: property, want: "p: " + canary + "\n"},
		{name: "throttled at first", store: byKey, spec: property, want: "p: " + canary + "\n", throttle: 1},
		{name: "with a ServiceAccount's token", store: byAccount, spec: property, want: "p: " + canary + "\n"},
		{name: "with another key", store: strings.Replace(byKey, "key: key", "key: wrong", 1), spec: property, want: "ERROR invalid_grant"},
		{name: "nothing of that name", store: byKey, spec: "data: [{secretKey: p, remoteRef: {key: nowhere}}]", want: "ERROR Secret does not exist"},
		{name: "no such property", store: byKey, spec: "data: [{secretKey: p, remoteRef: {key: db, property: nothing}}]", want: "ERROR key nothing does not exist in secret db"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			global := &secretManagerDouble{parent: "projects/project", throttle: tt.throttle}
			regional := &secretManagerDouble{parent: "projects/project/locations/europe-west3"}
			for host, double := range map[string]*secretManagerDouble{"secretmanager.googleapis.com": global, "secretmanager.europe-west3.rep.googleapis.com": regional} {
				server := grpc.NewServer()
				secretmanagerpb.RegisterSecretManagerServiceServer(server, double)
				clouds.serve(t, host, server)
			}
			clouds.serve(t, "oauth2.googleapis.com", tokensDouble(&key.PublicKey))
			clouds.serve(t, "iamcredentials.googleapis.com", grpc.NewServer()) // connected to, not asked
			clouds.serve(t, "securetoken.googleapis.com", bindingDouble())
			h := host{
				objects: map[string]string{
					"SecretStore shop/demo":      fmt.Sprintf("{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: {gcpsm: {projectID: project, %s}}}}", tt.store),
					"Secret shop/google":         secretObject(map[string]string{"key": file, "wrong": wrong}),
					"ServiceAccount shop/reader": "{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}",
				},
				tokens: map[string]string{"shop/reader project.svc.id.goog": "t0ken-of-reader"},
			}
			got, err := fetchSecret(t, h, tt.spec+"\ntarget: {template: {}}")
			checkFetched(t, got, err, tt.want, canary, googleToken, "t0ken-of-reader")
			if global.throttle != 0 {
				t.Errorf("%d requests were not made", global.throttle)
			}
		})
	}
}

// TestTwoGoogleStores: the provider has one connection at a time, and a second
// store of one ExternalSecret must not wait for the first.
func TestTwoGoogleStores(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": googleAccount, "token_uri": googleTokens[0],
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	secretmanagerpb.RegisterSecretManagerServiceServer(server, &secretManagerDouble{parent: "projects/project"})
	clouds.serve(t, "secretmanager.googleapis.com", server)
	clouds.serve(t, "oauth2.googleapis.com", tokensDouble(&key.PublicKey))
	const store = "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: {gcpsm: {projectID: project, auth: {secretRef: {secretAccessKeySecretRef: {name: google, key: key}}}}}}}"
	h := host{objects: map[string]string{"SecretStore shop/demo": store, "SecretStore shop/second": store, "Secret shop/google": secretObject(map[string]string{"key": string(file)})}}
	got, err := fetchSecret(t, h, `
data:
- {secretKey: a, remoteRef: {key: db, version: "1"}}
- {secretKey: b, remoteRef: {key: db, version: "1"}, sourceRef: {storeRef: {name: second}}}
- {secretKey: c, remoteRef: {key: other}}
target: {template: {}}`)
	checkFetched(t, got, err, "a: the first\nb: the first\nc: o\n")
}
