package forge_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

const pullsOfShop = "/api/v1/repos/acme/shop/pulls?limit=50&page=1&sort=oldest&state=open"

// Each answer is an error that says what to do, shows no token, and gives no part of a
// list.
func TestRefused(t *testing.T) {
	pull := "[" + githubPull12 + "]"
	for _, tt := range []struct {
		name   string
		first  answer
		second answer // of page 2
		want   string
		kind   error
	}{
		{"no such repository", answer{status: 404, body: `{"message": "Not Found"}`}, answer{}, "answers /repos/acme/shop/pulls with status 404 (Not Found); there is none, or it may not be seen; the token is that of Secret token", nil},
		{"the token has ended", answer{status: 401, body: `{"message": "Bad credentials"}`}, answer{}, "status 401 (Bad credentials); the token is that of Secret token, which may not do this or has ended", nil},
		{
			"asked too often, as GitHub says it", answer{status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225600"}, body: `{"message": "API rate limit exceeded"}`}, answer{},
			"asked too often, and may be asked again at 2026-01-01T00:00:00Z", nil,
		},
		{
			"asked too often, as HTTP says it", answer{status: 429, header: map[string]string{"Retry-After": "90", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}}, answer{},
			"may be asked again at 2026-01-01T00:01:30Z", nil,
		},
		{"its own word repeats the token", answer{status: 403, body: fmt.Sprintf(`{"message": "no: %s\u001b[31m\nno"}`, planted)}, answer{}, "status 403 (no: … [31m no)", nil},
		{"a word of another shape", answer{status: 400, body: `{"message": {"base": ["is wrong"]}, "error": "invalid_request"}`}, answer{}, "status 400 (invalid_request)", nil},
		{"a page for people", answer{status: 200, body: "<!doctype html>"}, answer{}, "most likely is no API; check its address", nil},
		{"another shape", answer{status: 200, body: `{"number": 1}`}, answer{}, "something else than was asked for", nil},
		{"an answer that is too large", answer{body: "[" + strings.Repeat(" ", 5000) + "]"}, answer{}, "more than 4096 bytes", appset.ErrLimit},
		{"a list that never ends", answer{header: map[string]string{"X-Total-Count": "99"}, body: pull}, answer{header: map[string]string{"X-Total-Count": "99"}, body: pull}, "more than 2 pages", appset.ErrLimit},
		{"its end is missing", answer{header: map[string]string{"X-Total-Count": "2"}, body: pull}, answer{status: 502}, "status 502", nil},
		{"another server", answer{status: 302, header: map[string]string{"Location": "https://elsewhere.example.com/"}}, answer{}, "redirects to another server", nil},
		{"round and round", answer{status: 302, header: map[string]string{"Location": pullsOfShop}}, answer{}, "redirects again and again", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "", map[string]answer{pullsOfShop: tt.first, strings.Replace(pullsOfShop, "page=1", "page=2", 1): tt.second})
			asks := answersFor(t, forge.Options{MaxAnswer: 4096, MaxPages: 2}, own())
			pulls, err := asks.PullRequests(t.Context(), &api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "shop", API: w.URL, TokenRef: tokenRef}})
			switch {
			case err == nil:
				t.Fatalf("it gives %v", pulls)
			case !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %v\nwant %s", err, tt.want)
			case strings.Contains(err.Error(), planted) || strings.ContainsAny(err.Error(), "\n\x1b"):
				t.Errorf("it shows what it must not: %q", err)
			case tt.kind != nil && !errors.Is(err, tt.kind):
				t.Errorf("%v is no %v", err, tt.kind)
			case len(pulls) > 0:
				t.Errorf("it gives a part: %v", pulls)
			}
		})
	}
}

// What a generator states wrongly is told, and no server is asked.
func TestNotAsked(t *testing.T) {
	w := newWorld(t, "", nil)
	gitea := func(g api.PullRequestGitea) api.PullRequestGenerator { return api.PullRequestGenerator{Gitea: &g} }
	for _, tt := range []struct {
		name      string
		options   forge.Options
		generator api.PullRequestGenerator
		want      string
	}{
		{"no address", forge.Options{}, gitea(api.PullRequestGitea{}), "api: it is no address such as https://git.example.com"},
		{"another scheme", forge.Options{}, gitea(api.PullRequestGitea{API: "file:///etc/passwd"}), "api: it is no address"},
		{"a password in it", forge.Options{}, gitea(api.PullRequestGitea{API: "https://me:" + planted + "@git.example.com"}), "the address has a user in it"},
		{"a query in it", forge.Options{}, gitea(api.PullRequestGitea{API: "https://git.example.com/?x=" + planted}), "the address has a query in it"},
		{"a server that is not on the list", forge.Options{Hosts: []string{"git.example.com", "api.github.com"}}, gitea(api.PullRequestGitea{API: w.URL}), "is not among the servers that the administrator lets generators ask: git.example.com, api.github.com"},
		{"another port than on the list", forge.Options{Hosts: []string{"127.0.0.1"}}, gitea(api.PullRequestGitea{API: w.URL}), "is not among the servers"},
		{"what only the machine reaches", forge.Options{}, gitea(api.PullRequestGitea{API: "http://169.254.169.254"}), "169.254.169.254 is an address of the machine's own link"},
		{"no such Secret", forge.Options{}, gitea(api.PullRequestGitea{API: w.URL, TokenRef: &api.SecretRef{SecretName: "gone", Key: "value"}}), "tokenRef: there is no Secret gone"},
		{"no such key", forge.Options{}, gitea(api.PullRequestGitea{API: w.URL, TokenRef: &api.SecretRef{SecretName: "token", Key: "gone"}}), "tokenRef: Secret token has no key gone"},
		{"no such ConfigMap", forge.Options{}, api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{API: w.URL, CARef: &api.ConfigMapRef{ConfigMapName: "gone", Key: "x"}}}, "caRef: there is no ConfigMap gone"},
		{"no such certificate", forge.Options{}, api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{API: w.URL, CARef: &api.ConfigMapRef{ConfigMapName: "token", Key: "x"}}}, "caRef: ConfigMap token has no key x"},
		{"no certificate", forge.Options{}, api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{API: w.URL, CARef: &api.ConfigMapRef{ConfigMapName: "token", Key: "value"}}}, "is no certificate in PEM"},
		{"a provider that is not asked", forge.Options{}, api.PullRequestGenerator{Bitbucket: &api.PullRequestBitbucket{}}, "asked for of GitHub, GitLab and Gitea only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := answersFor(t, tt.options, own()).PullRequests(t.Context(), &tt.generator)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), planted) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if asked := w.requests(); len(asked) > 0 {
				t.Errorf("it asks for %v", asked)
			}
		})
	}
}

func TestHostsOnTheList(t *testing.T) {
	w := newWorld(t, "", map[string]answer{pullsOfShop: {body: "[]"}})
	g := &api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "shop", API: w.URL}}
	if _, err := answersFor(t, forge.Options{Hosts: []string{"git.example.com", w.host()}}, own()).PullRequests(t.Context(), g); err != nil {
		t.Error(err)
	}
}

func TestUnsupportedRepositories(t *testing.T) {
	_, err := answersFor(t, forge.Options{}, own()).Repositories(t.Context(), &api.SCMProviderGenerator{AWSCodeCommit: &api.SCMAWSCodeCommit{}})
	if !errors.Is(err, appset.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestCloneProtocol(t *testing.T) {
	w := newWorld(t, "", map[string]answer{"/api/v3/orgs/acme/repos?direction=asc&page=1&per_page=100&sort=created": {body: githubRepos}})
	_, err := answersFor(t, forge.Options{}, own()).Repositories(t.Context(), &api.SCMProviderGenerator{Github: &api.SCMGithub{Organization: "acme", API: w.URL}, CloneProtocol: "git"})
	if err == nil || !strings.Contains(err.Error(), `cloneProtocol "git" is neither ssh nor https`) {
		t.Errorf("got %v", err)
	}
}

// A server whose certificate a ConfigMap vouches for is trusted, as is any if the
// generator says so; none is by itself.
func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, "[]") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, tt := range []struct {
		name string
		g    api.PullRequestGitlab
		want string
	}{
		{"unknown", api.PullRequestGitlab{}, "certificate"},
		{"vouched for", api.PullRequestGitlab{CARef: &api.ConfigMapRef{ConfigMapName: "ca", Key: "ca.crt"}}, ""},
		{"insecure", api.PullRequestGitlab{Insecure: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.g.API, tt.g.Project = server.URL, "1"
			_, err := answersFor(t, forge.Options{}, own(objects{"ca/ca.crt": certificate})).PullRequests(t.Context(), &api.PullRequestGenerator{Gitlab: &tt.g})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Who gives up waits for no server.
func TestGiveUp(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	g := &api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "shop", API: server.URL}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := answersFor(t, forge.Options{}, own()).PullRequests(ctx, g); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := answersFor(t, forge.Options{Timeout: 10 * time.Millisecond}, own()).PullRequests(t.Context(), g); err == nil || !strings.Contains(err.Error(), "ask Gitea at 127.0.0.1") {
		t.Errorf("got %v", err)
	}
}

func TestInterval(t *testing.T) {
	seconds := int64(90)
	for _, tt := range []struct {
		g    api.Generator
		want time.Duration
	}{
		{api.Generator{PullRequest: &api.PullRequestGenerator{}}, 30 * time.Minute},
		{api.Generator{SCMProvider: &api.SCMProviderGenerator{RequeueAfterSeconds: &seconds}}, 90 * time.Second},
		{api.Generator{Plugin: &api.PluginGenerator{RequeueAfterSeconds: &seconds}}, 90 * time.Second},
		{api.Generator{List: &api.ListGenerator{}}, 0},
	} {
		if got := forge.Interval(&tt.g); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.g, got, tt.want)
		}
	}
}
