package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

// TestPermittedServer: which servers generators may ask is the administrator's to say, of
// sets of other namespaces always.
func TestPermittedServer(t *testing.T) {
	t.Parallel()
	const git, sub = "https://git.example.com", "https://git.example.com/gitea"
	for _, tt := range []struct {
		name, address  string
		permitted      []string
		named, foreign bool
		want           string
	}{
		{"nobody says anything", git + "/api/v1", nil, true, false, ""},
		{"a product's own", "https://api.github.com", []string{git}, false, true, ""},
		{"a product's own, of a set elsewhere", "https://api.github.com", nil, false, true, ""},
		{"one that is named", git + "/api/v1", []string{"https://other.example", git + "/"}, true, true, ""},
		{"one that is not", "https://evil.example", []string{git}, true, false, "evil.example is not among the servers of --allowed-scm-providers: " + git},
		{"of a set elsewhere, if nobody says anything", git, nil, true, true, "git.example.com is asked for no ApplicationSet of another namespace"},
		{"another scheme", "http://git.example.com", []string{git}, true, true, "not among"},
		{"another port", git + ":8443", []string{git}, true, true, "not among"},
		{"a host that begins so", git + ".evil.example", []string{git}, true, true, "not among"},
		{"below a path", sub + "/api/v1", []string{sub}, true, true, ""},
		{"beside it", sub + "x", []string{sub}, true, true, "not among"},
		{"above it", git, []string{sub}, true, true, "not among"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			err = permittedServer(tt.permitted, u, tt.named, tt.foreign)
			if err == nil && tt.want != "" || err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestStrictTokens: where Secrets have to be marked, servers are shown no other; of the
// agent's own they are shown none even so.
func TestStrictTokens(t *testing.T) {
	t.Parallel()
	secret := func(name string, labels map[string]string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, Labels: labels}, Data: map[string][]byte{"token": []byte("hunter2")}}
	}
	r := tokenReader{fake.NewClientset(
		secret("plain", nil), secret("marked", map[string]string{api.LabelSecretType: api.SecretTypeSCMCreds}),
		secret("key", map[string]string{api.LabelSecretType: api.SecretTypeSCMCreds, api.LabelTidelockSecretType: api.SecretTypeSOPSKey}),
	).CoreV1(), "team", true}
	for name, want := range map[string]string{
		"marked": "", "plain": "Secret plain is not labelled argocd.argoproj.io/secret-type: scm-creds: no server is shown it",
		"key": "Secret key is a key of the agent: no server is shown it",
	} {
		_, err := r.Secret(t.Context(), name)
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := (noApps{}).Secret(t.Context(), "app"); err == nil {
		t.Error("a set of another namespace has a GitHub App of the agent's")
	}
}

// TestNoProviders: where servers of pull requests and repositories are not to be asked,
// none is, not even a product's own; plugins are.
func TestNoProviders(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"output": {"parameters": [{"a": "b"}]}}`)
	}))
	t.Cleanup(server.Close)
	o, flags := freshOptions()
	if err := flags.Set("scm-providers", "false"); err != nil {
		t.Fatal(err)
	}
	servers := forge.New(forge.Options{})
	t.Cleanup(servers.Close)
	core := fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "plug"}, Data: map[string]string{"baseUrl": server.URL, "token": "$plug:token"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "plug"}, Data: map[string][]byte{"token": []byte("x")}},
	).CoreV1()
	for _, namespace := range []string{"argocd", "team"} {
		set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "apps"}}
		answers := o.answers(servers, core, set)
		_, pulls := answers.PullRequests(t.Context(), &api.PullRequestGenerator{Gitea: &api.PullRequestGitea{API: server.URL, Owner: "o", Repo: "r"}})
		_, repositories := answers.Repositories(t.Context(), &api.SCMProviderGenerator{Github: &api.SCMGithub{Organization: "o"}})
		for _, err := range []error{pulls, repositories} {
			if !errors.Is(err, errNoProviders) || asked.Load() > 0 {
				t.Errorf("%s: %v, and %d requests", namespace, err, asked.Load())
			}
		}
	}
	set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "apps"}}
	if got, err := o.answers(servers, core, set).Plugin(t.Context(), &api.PluginGenerator{ConfigMapRef: api.PluginConfigMapRef{Name: "plug"}}); err != nil || len(got) != 1 {
		t.Errorf("the plugin: %v, %v", got, err)
	}
}
