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

// TestKubeToken: a token that stands in a kubeconfig, or in a file that it names, is the
// one of now; what cannot be read, or has none, changes nothing, and other logins are left
// alone.
func TestKubeToken(t *testing.T) {
	t.Parallel()
	var shown string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown = r.Header.Get("Authorization") }))
	defer server.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	user := func(user string) string {
		return write("kubeconfig", fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],
clusters: [{name: a, cluster: {server: %q, insecure-skip-tls-verify: true}}], users: [{name: a, user: %s}]}`, server.URL, user))
	}
	start := func(kubeconfig string) *http.Client {
		cfg, err := restConfig(kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		client, err := rest.HTTPClientFor(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	ask := func(client *http.Client, login string) string {
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
	client := start(user("{token: first}"))
	for _, tt := range []struct{ user, login, want string }{
		{"{token: first}", "", "Bearer first"},
		{"{token: other}", "", "Bearer other"},
		{"{token: third}", "Bearer mine", "Bearer mine"},
		{"{", "", "Bearer third"},
		{"{username: joe, password: sesame}", "", "Bearer third"},
		{"{token: fourth}", "", "Bearer fourth"},
	} {
		if user(tt.user); ask(client, tt.login) != tt.want {
			t.Errorf("%s: %q is shown, want %q", tt.user, shown, tt.want)
		}
	}
	client = start(user(fmt.Sprintf("{tokenFile: %q}", write("token", "first\n"))))
	for _, tt := range []struct{ token, want string }{
		{"first\n", "Bearer first"}, {"second", "Bearer second"}, {" \n", "Bearer second"}, {"third\n", "Bearer third"},
	} {
		if write("token", tt.token); ask(client, "") != tt.want {
			t.Errorf("%q: %q is shown, want %q", tt.token, shown, tt.want)
		}
	}
	if err := os.Remove(filepath.Join(dir, "token")); err != nil {
		t.Fatal(err)
	}
	if ask(client, ""); shown != "Bearer third" {
		t.Errorf("without the file %q is shown", shown)
	}
}
