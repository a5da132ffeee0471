package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWebhook: against an HTTPS server, which is all that a webhook is.
func TestWebhook(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Authorization") != "Bearer h00k-t0ken":
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case r.URL.Path == "/v1/db" && r.URL.Query().Get("version") == "":
			fmt.Fprintf(w, `{"data": {"user": "ann", "password": %q, "port": 5432, "on": true}, "list": ["first", "second"]}`, canary)
		case r.URL.Path == "/v1/a%2Fb" || r.URL.RawPath == "/v1/a%2Fb":
			fmt.Fprint(w, "escaped")
		case r.URL.Path == "/v1/old" && r.URL.Query().Get("version") == "7":
			fmt.Fprint(w, "of version 7")
		case r.URL.Path == "/v1/post" && r.Method == http.MethodPost && string(body) == `{"key": "post"}`:
			fmt.Fprint(w, "posted")
		case r.URL.Path == "/v1/broken":
			http.Error(w, canary, http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	const auth = ", headers: {Authorization: 'Bearer {{ .token.value }}'}, secrets: [{name: token, secretRef: {name: hook}}]"
	h := host{objects: map[string]string{
		"Secret shop/hook":      labelled(secretObject(map[string]string{"value": "h00k-t0ken"})),
		"Secret shop/plain":     secretObject(map[string]string{"value": "h00k-t0ken"}),
		"Secret shop/wrong":     labelled(secretObject(map[string]string{"value": "wr0ng-t0ken"})),
		"Secret admin/hook":     labelled(secretObject(map[string]string{"value": "h00k-t0ken"})),
		"SecretStore shop/demo": "",
	}}
	const password = "data: [{secretKey: p, remoteRef: {key: db}}]"
	for _, tt := range []struct{ name, path, more, spec, want string }{
		{"a path", "$.data.password", auth, password, "p: " + canary + "\n"},
		{"a number", "$.data.port", auth, password, "p: 5432\n"},
		{"a list", "$.list", auth, password, "p: first\n"},
		{"a path by property", "$.data.{{ .remoteRef.property }}", auth, "data: [{secretKey: p, remoteRef: {key: db, property: user}}]", "p: ann\n"},
		{"extract", "$.data", auth, "dataFrom: [{extract: {key: db}}]", "on: true\npassword: " + canary + "\nport: 5432\nuser: ann\n"},
		{"text", "", auth, "data: [{secretKey: p, remoteRef: {key: old, version: '7'}}]", "p: of version 7\n"},
		{"a key with a slash", "", auth, "data: [{secretKey: p, remoteRef: {key: a/b}}]", "p: escaped\n"},
		{"POST", "", auth + `, method: POST, body: '{"key": "{{ .remoteRef.key }}"}'`, "data: [{secretKey: p, remoteRef: {key: post}}]", "p: posted\n"},
		{"nothing of that name", "", auth, "data: [{secretKey: p, remoteRef: {key: nowhere}}]", "ERROR Secret does not exist"},
		{"an error there", "", auth, "data: [{secretKey: p, remoteRef: {key: broken}}]", "ERROR 500 Internal Server Error"},
		{"no token", "", "", password, "ERROR 401 Unauthorized"},
		{"a wrong token", "", strings.Replace(auth, "name: hook", "name: wrong", 1), password, "ERROR 401 Unauthorized"},
		{"a Secret that is not for webhooks", "", strings.Replace(auth, "name: hook", "name: plain", 1), password, "ERROR label 'external-secrets.io/type: webhook'"},
		{"find", "", auth, "dataFrom: [{find: {name: {regexp: .}}}]", "ERROR not implemented"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.objects["SecretStore shop/demo"] = strings.Replace(webhookStore(server, tt.more), `jsonPath: ""`, fmt.Sprintf("jsonPath: %q", tt.path), 1)
			got, err := fetchSecret(t, h, tt.spec+"\ntarget: {template: {}}")
			checkFetched(t, got, err, tt.want, canary, "h00k-t0ken", "wr0ng-t0ken")
		})
	}
}

// labelled makes a Secret one that webhooks may use.
func labelled(secret string) string {
	return secret + "metadata: {labels: {external-secrets.io/type: webhook}}\n"
}
