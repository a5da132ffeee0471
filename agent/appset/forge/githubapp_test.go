package forge_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

func appKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// A token of a GitHub App is asked for once, may do no more than is needed, and is what
// the API is asked with.
func TestGitHubApp(t *testing.T) {
	wanted := `POST /api/v3/app/installations/77/access_tokens {"permissions":{"contents":"read","metadata":"read","pull_requests":"read"}}`
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	w := newWorld(t, "", map[string]answer{
		wanted:                           {status: http.StatusCreated, body: fmt.Sprintf(`{"token": %q, "expires_at": %q}`, planted, expires)},
		"/api/v3/orgs/acme/installation": {body: `{"id": 77}`},
		"/api/v3/repos/acme/shop/pulls?direction=asc&page=1&per_page=100&sort=created": {body: "[" + githubPull12 + "]"},
	})
	in := objects{"app/githubAppID": " 5\n", "app/githubAppPrivateKey": appKey(t), "app/url": "https://github.com/acme"}
	asks := answersFor(t, forge.Options{}, in)
	g := &api.PullRequestGenerator{Github: &api.PullRequestGithub{Owner: "acme", Repo: "shop", API: w.URL, AppSecretName: "app"}}
	for range 2 {
		pulls, err := asks.PullRequests(t.Context(), g)
		if err != nil || len(pulls) != 1 {
			t.Fatalf("%v, %v\nasked: %v", pulls, err, w.requests())
		}
	}
	if all := strings.Join(w.requests(), "\n"); strings.Count(all, "access_tokens") != 1 {
		t.Errorf("it asks for\n%s", all)
	}
}

func TestGitHubAppRefused(t *testing.T) {
	w := newWorld(t, "", nil)
	key := appKey(t)
	for _, tt := range []struct {
		name string
		in   objects
		want string
	}{
		{"no Secret", objects{}, "appSecretName: there is no Secret app"},
		{"no ID", objects{"app/githubAppPrivateKey": key}, "Secret app: githubAppID is no number"},
		{"no number", objects{"app/githubAppID": "5", "app/githubAppInstallationID": "x", "app/githubAppPrivateKey": key}, "githubAppInstallationID is no number"},
		{"no key", objects{"app/githubAppID": "5", "app/githubAppInstallationID": "7"}, "githubAppPrivateKey is no RSA private key"},
		{"not installed", objects{"app/githubAppID": "5", "app/githubAppPrivateKey": key}, "acme has not installed the GitHub App 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := answersFor(t, forge.Options{}, tt.in).Repositories(t.Context(), &api.SCMProviderGenerator{Github: &api.SCMGithub{Organization: "acme", API: w.URL, AppSecretName: "app"}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
