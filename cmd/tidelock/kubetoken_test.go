package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
)

// TestKubeToken: a token that stands in a kubeconfig is the one of now; what cannot be
// read, or has none, changes nothing, and other logins are left alone.
func TestKubeToken(t *testing.T) {
	t.Parallel()
	var shown string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown = r.Header.Get("Authorization") }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(user string) {
		text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],
clusters: [{name: a, cluster: {server: %q, insecure-skip-tls-verify: true}}], users: [{name: a, user: %s}]}`, server.URL, user)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{token: first}")
	cfg, err := restConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(login string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if login != "" {
			request.Header.Set("Authorization", login)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return shown
	}
	for _, tt := range []struct{ user, login, want string }{
		{"{token: first}", "", "Bearer first"},
		{"{token: other}", "", "Bearer other"},
		{"{token: third}", "Bearer mine", "Bearer mine"},
		{"{", "", "Bearer third"},
		{"{username: joe, password: sesame}", "", "Bearer third"},
		{"{token: fourth}", "", "Bearer fourth"},
	} {
		if write(tt.user); ask(tt.login) != tt.want {
			t.Errorf("%s: %q is shown, want %q", tt.user, shown, tt.want)
		}
	}
}
