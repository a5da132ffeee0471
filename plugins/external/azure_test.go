package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	azureTenant   = "11111111-2222-3333-4444-555555555555"
	azureClient   = "66666666-7777-8888-9999-000000000000"
	azurePassword = "client-s3cret-of-azure"
	azureToken    = "entra-t0ken"
	azureVault    = "shop.vault.azure.net"
	azureAssert   = "t0ken-of-reader"
)

// entraDouble gives tokens as Microsoft Entra ID does, on its old and its new
// endpoint: for a client's secret, or for the token of a ServiceAccount.
func entraDouble() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /common/discovery/instance", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 200, map[string]any{
			"tenant_discovery_endpoint": "https://login.microsoftonline.com/" + azureTenant + "/v2.0/.well-known/openid-configuration",
			"metadata":                  []any{map[string]any{"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": []string{"login.microsoftonline.com"}}},
		})
	})
	mux.HandleFunc("GET /"+azureTenant+"/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		const base = "https://login.microsoftonline.com/" + azureTenant
		answerJSON(w, 200, map[string]any{"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "issuer": base + "/v2.0"})
	})
	give := func(w http.ResponseWriter, r *http.Request, scope, wanted string) {
		bySecret := r.PostFormValue("client_secret") == azurePassword
		byToken := r.PostFormValue("client_assertion") == azureAssert && r.PostFormValue("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		ok := r.PostFormValue("grant_type") == "client_credentials" && r.PostFormValue("client_id") == azureClient && strings.Contains(r.PostFormValue(scope), wanted) && (bySecret || byToken)
		if !ok {
			answerJSON(w, 401, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
			return
		}
		answerJSON(w, 200, map[string]any{"token_type": "Bearer", "expires_in": 3599, "expires_on": "4070908800", "not_before": "0", "resource": "https://vault.azure.net", "access_token": azureToken})
	}
	mux.HandleFunc("POST /"+azureTenant+"/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		give(w, r, "resource", "https://vault.azure.net")
	})
	mux.HandleFunc("POST /"+azureTenant+"/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		give(w, r, "scope", "https://vault.azure.net/.default")
	})
	return mux
}

// vaultDouble answers as a Key Vault: it challenges who has no token, pages its
// lists, and throttles.
type vaultDouble struct {
	mu       sync.Mutex // guards the fields below
	throttle int
	asked    []string
}

func (d *vaultDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fail := func(code int, kind, message string) {
		answerJSON(w, code, map[string]any{"error": map[string]string{"code": kind, "message": message}})
	}
	switch {
	case r.Header.Get("Authorization") == "":
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/`+azureTenant+`", resource="https://vault.azure.net"`)
		fail(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
		return
	case r.Header.Get("Authorization") != "Bearer "+azureToken:
		fail(401, "Unauthorized", "AKV10032: Invalid issuer.")
		return
	case r.Method != http.MethodGet || r.URL.Query().Get("api-version") == "":
		fail(400, "BadParameter", "api-version must be specified")
		return
	case d.throttle > 0:
		d.throttle--
		w.Header().Set("Retry-After", "1")
		fail(429, "Throttled", "Request was not processed because too many requests were received.")
		return
	}
	d.asked = append(d.asked, r.URL.Path)
	item := func(name string, enabled bool) map[string]any {
		return map[string]any{"id": "https://" + azureVault + "/secrets/" + name, "attributes": map[string]any{"enabled": enabled}, "tags": map[string]string{"team": "web"}}
	}
	bundle := func(name, value string) {
		answerJSON(w, 200, map[string]any{"value": value, "id": "https://" + azureVault + "/secrets/" + name + "/v2", "attributes": map[string]any{"enabled": true}, "tags": map[string]string{"team": "web"}})
	}
	switch strings.Trim(r.URL.Path, "/") {
	case "secrets/db":
		bundle("db", `{"user":"ann","password":"`+canary+`"}`)
	case "secrets/db/v1":
		bundle("db", "the first")
	case "secrets/other":
		bundle("other", "o")
	case "secrets":
		if r.URL.Query().Get("$skiptoken") == "" {
			answerJSON(w, 200, map[string]any{"value": []any{item("db", true), item("off", false)}, "nextLink": "https://" + azureVault + "/secrets?api-version=" + r.URL.Query().Get("api-version") + "&$skiptoken=2"})
			return
		}
		answerJSON(w, 200, map[string]any{"value": []any{item("other", true)}, "nextLink": nil})
	case "certificates/web", "certificates/web/":
		answerJSON(w, 200, map[string]any{"id": "https://" + azureVault + "/certificates/web/1", "cer": base64.StdEncoding.EncodeToString([]byte("der")), "attributes": map[string]any{"enabled": true}})
	default:
		fail(404, "SecretNotFound", "A secret with (name/id) was not found in this key vault.")
	}
}

func answerJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client sees a broken answer
}

func TestAzure(t *testing.T) {
	const byPassword = "tenantId: " + azureTenant + ", authSecretRef: {clientId: {name: azure, key: id}, clientSecret: {name: azure, key: secret}}"
	const byAccount = "authType: WorkloadIdentity, serviceAccountRef: {name: reader}"
	const property = "data: [{secretKey: p, remoteRef: {key: db, property: password}}]"
	for _, tt := range []struct {
		name, store, spec, want string
		throttle                int
	}{
		{name: "a property", store: byPassword, spec: property, want: "p: " + canary + "\n"},
		{name: "a version", store: byPassword, spec: "data: [{secretKey: p, remoteRef: {key: secret/db, version: v1}}]", want: "p: the first\n"},
		{name: "a tag", store: byPassword, spec: "data: [{secretKey: p, remoteRef: {key: db, metadataPolicy: Fetch, property: team}}]", want: "p: web\n"},
		{name: "a certificate", store: byPassword, spec: "data: [{secretKey: p, remoteRef: {key: cert/web}}]", want: "p: der\n"},
		{name: "extract", store: byPassword, spec: "dataFrom: [{extract: {key: db}}]", want: "password: " + canary + "\nuser: ann\n"},
		{name: "find over pages", store: byPassword, spec: "dataFrom: [{find: {name: {regexp: .}}}]", want: "db: {\"user\":\"ann\",\"password\":\"" + canary + "\"}\nother: o\n"},
		{name: "find by tags", store: byPassword, spec: "dataFrom: [{find: {tags: {team: db}}}]", want: "NOTHING"},
		{name: "throttled at first", store: byPassword, spec: property, want: "p: " + canary + "\n", throttle: 1},
		{name: "with a ServiceAccount's token", store: byAccount, spec: property, want: "p: " + canary + "\n"},
		{name: "with a wrong secret", store: strings.Replace(byPassword, "key: secret", "key: wrong", 1), spec: property, want: "ERROR invalid_client"},
		{name: "nothing of that name", store: byPassword, spec: "data: [{secretKey: p, remoteRef: {key: nowhere}}]", want: "ERROR Secret does not exist"},
		{name: "no such property", store: byPassword, spec: "data: [{secretKey: p, remoteRef: {key: db, property: nothing}}]", want: "ERROR property nothing does not exist in key db"},
	} {
		for _, library := range []string{"false", "true"} {
			t.Run(tt.name+", useAzureSDK "+library, func(t *testing.T) {
				vault := &vaultDouble{throttle: tt.throttle}
				clouds.serve(t, "login.microsoftonline.com", entraDouble())
				clouds.serve(t, azureVault, vault)
				h := host{
					objects: map[string]string{
						"SecretStore shop/demo":      fmt.Sprintf("{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {provider: {azurekv: {vaultUrl: 'https://%s', useAzureSDK: %s, %s}}}}", azureVault, library, tt.store),
						"Secret shop/azure":          secretObject(map[string]string{"id": azureClient, "secret": azurePassword, "wrong": "wrong-s3cret-of-azure"}),
						"ServiceAccount shop/reader": "{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader, annotations: {azure.workload.identity/client-id: " + azureClient + ", azure.workload.identity/tenant-id: " + azureTenant + "}}}",
					},
					tokens: map[string]string{"shop/reader api://AzureADTokenExchange": azureAssert},
				}
				got, err := fetchSecret(t, h, tt.spec+"\ntarget: {template: {}}")
				if tt.want == "NOTHING" {
					if err != nil || len(got.Data)+len(got.Labels) != 0 || !slices.Contains(vault.asked, "/secrets") {
						t.Errorf("%v, %v", got, err)
					}
					return
				}
				checkFetched(t, got, err, tt.want, canary, azurePassword, "wrong-s3cret-of-azure", azureToken, azureAssert)
				if vault.throttle != 0 {
					t.Errorf("%d requests were not made", vault.throttle)
				}
			})
		}
	}
}
