package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// remote is an API server over TLS with one Secret in namespace vault, for
// whoever has the bearer token.
func remote(t *testing.T, token string) (url, ca string) {
	t.Helper()
	db := corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "vault", Labels: map[string]string{"tier": "db"}},
		Data:       map[string][]byte{"user": []byte("ann"), "password": []byte(canary)},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/vault/secrets/db", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, db) })
	mux.HandleFunc("GET /api/v1/namespaces/vault/secrets", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, Items: []corev1.Secret{db}})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeStatus(w, 404, metav1.StatusReasonNotFound, r.URL.Path+" not found")
	})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			writeStatus(w, 401, metav1.StatusReasonUnauthorized, "Unauthorized")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func writeStatus(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	writeJSON(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
		Code: int32(code), Reason: reason, Message: message,
	})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client sees a broken answer
}

func kubernetesStore(kind, url, ca, auth string) string {
	bundle := ""
	if ca != "" {
		bundle = ", caBundle: " + base64.StdEncoding.EncodeToString([]byte(ca))
	}
	return fmt.Sprintf(`{apiVersion: external-secrets.io/v1, kind: %s, metadata: {name: demo}, spec: {provider: {kubernetes: {remoteNamespace: vault, server: {url: %q%s}, %s}}}}`, kind, url, bundle, auth)
}

func TestKubernetes(t *testing.T) {
	const token = "t0ken-of-the-agent"
	url, ca := remote(t, token)
	kubeconfig := func(user string) string {
		return secretObject(map[string]string{"config": fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a,
  clusters: [{name: a, cluster: {server: %q, certificate-authority-data: %s}}],
  contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: %s}]}`, url, base64.StdEncoding.EncodeToString([]byte(ca)), user)})
	}
	h := host{
		objects: map[string]string{
			"Secret shop/remote":    secretObject(map[string]string{"token": token, "wrong": "wrong-t0ken-here"}),
			"Secret admin/remote":   secretObject(map[string]string{"token": token}),
			"ConfigMap shop/ca":     fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, data: {ca: %q}}`, ca),
			"Secret shop/kube":      kubeconfig("{token: " + token + "}"),
			"Secret shop/exec":      kubeconfig("{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/touch, args: [/tmp/x]}}"),
			"Secret shop/tokenfile": kubeconfig("{tokenFile: /etc/hostname}"),
			"Secret shop/rubbish":   secretObject(map[string]string{"config": "{" + canary}),
		},
		tokens: map[string]string{"shop/reader ": token, "shop/reader vault": token},
	}
	const byToken = `auth: {token: {bearerToken: {name: remote, key: token}}}`
	const password = `data: [{secretKey: p, remoteRef: {key: db, property: password}}]`
	plain := "p: " + canary + "\n"
	for _, tt := range []struct{ name, store, spec, want string }{
		{"token", kubernetesStore("SecretStore", url, ca, byToken), password, plain},
		{"CA from a ConfigMap", strings.Replace(kubernetesStore("SecretStore", url, "", byToken), "server: {", "server: {caProvider: {type: ConfigMap, name: ca, key: ca}, ", 1), password, plain},
		{"ServiceAccount", kubernetesStore("SecretStore", url, ca, `auth: {serviceAccount: {name: reader}}`), password, plain},
		{"ServiceAccount with audience", kubernetesStore("SecretStore", url, ca, `auth: {serviceAccount: {name: reader, audiences: [vault]}}`), password, plain},
		{"kubeconfig", kubernetesStore("SecretStore", url, ca, `authRef: {name: kube, key: config}`), password, plain},
		{"extract", kubernetesStore("SecretStore", url, ca, byToken), `dataFrom: [{extract: {key: db}}]`, "password: " + canary + "\nuser: ann\n"},
		{"find", kubernetesStore("SecretStore", url, ca, byToken), `dataFrom: [{find: {name: {regexp: "^d"}}}]`, `db: {"password":"` + canary + `","user":"ann"}` + "\n"},
		{"metadata", kubernetesStore("SecretStore", url, ca, byToken), `data: [{secretKey: p, remoteRef: {key: db, metadataPolicy: Fetch, property: labels.tier}}]`, "p: db\n"},

		{"wrong token", kubernetesStore("SecretStore", url, ca, `auth: {token: {bearerToken: {name: remote, key: wrong}}}`), password, "ERROR Unauthorized"},
		{"no such item", kubernetesStore("SecretStore", url, ca, `auth: {token: {bearerToken: {name: remote, key: nothing}}}`), password, `ERROR cannot find secret data for key: "nothing"`},
		{"unknown CA", kubernetesStore("SecretStore", url, "", byToken), password, "ERROR x509"},
		{"no such Secret there", kubernetesStore("SecretStore", url, ca, byToken), `data: [{secretKey: p, remoteRef: {key: nowhere, property: a}}]`, "ERROR secrets/nowhere not found"},
		{"no such ServiceAccount", kubernetesStore("SecretStore", url, ca, `auth: {serviceAccount: {name: nobody}}`), password, "ERROR shop/nobody does not exist"},
		{"kubeconfig that runs a program", kubernetesStore("SecretStore", url, ca, `authRef: {name: exec, key: config}`), password, "ERROR names programs or files"},
		{"kubeconfig that names a file", kubernetesStore("SecretStore", url, ca, `authRef: {name: tokenfile, key: config}`), password, "ERROR names programs or files"},
		{"no kubeconfig", kubernetesStore("SecretStore", url, ca, `authRef: {name: rubbish, key: config}`), password, "ERROR it is no kubeconfig"},
		{"nobody listens", kubernetesStore("SecretStore", "https://127.0.0.1:1", ca, byToken), password, "ERROR connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.objects["SecretStore shop/demo"] = tt.store
			got, err := fetchSecret(t, h, tt.spec+"\ntarget: {template: {}}")
			if want, isError := strings.CutPrefix(tt.want, "ERROR "); isError {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("error %v, want %q", err, want)
				}
				for _, secret := range []string{canary, token, "wrong-t0ken-here"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error holds %q: %v", secret, err)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if show(got) != owned+tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", show(got), owned+tt.want)
			}
		})
	}
}

// TestClusterStore: a ClusterSecretStore reads the credentials from the
// namespace that it states.
func TestClusterStore(t *testing.T) {
	url, ca := remote(t, "t0ken-of-admin")
	h := host{objects: map[string]string{
		"Secret admin/remote":      secretObject(map[string]string{"token": "t0ken-of-admin"}),
		"ClusterSecretStore /demo": kubernetesStore("ClusterSecretStore", url, ca, `auth: {token: {bearerToken: {name: remote, namespace: admin, key: token}}}`),
	}}
	got, err := fetchSecret(t, h, `
data: [{secretKey: p, remoteRef: {key: db, property: user}, sourceRef: {storeRef: {kind: ClusterSecretStore, name: demo}}}]`)
	if err != nil || string(got.Data["p"]) != "ann" {
		t.Errorf("got %v, %v", got, err)
	}
}
