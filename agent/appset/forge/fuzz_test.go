package forge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

// FuzzAnswers: whatever a server answers, with whatever headers, it is a list or an error,
// and an error is a line for people that shows no token.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"[" + githubPull12 + "]", "[" + gitlabPull7 + "]", githubRepos, giteaRepos, gitlabProjects, "[]", "null", "[null]", "{}", "[[]]", `[{"number": "x"}]`,
		`{"message": "Bad credentials ` + planted + `"}`, `{"message": {"a": 1}, "error": "x"}`, "<html>", "\x00", `[{"labels": [null], "head": null, "user": null}]`,
	} {
		f.Add(body, 200, "3", `<x>; rel="next"`, "99999999999999999999")
		f.Add(body, 429, "-1", "", "1")
	}
	var answer atomic.Pointer[func(http.ResponseWriter)]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { (*answer.Load())(w) }))
	f.Cleanup(server.Close)
	servers := forge.New(forge.Options{MaxPages: 2, MaxAnswer: 1 << 16})
	f.Cleanup(servers.Close)
	f.Fuzz(func(t *testing.T, body string, status int, total, link, reset string) {
		write := func(w http.ResponseWriter) {
			h := w.Header()
			for name, value := range map[string]string{"X-Total-Count": total, "X-Next-Page": total, "Link": link, "X-RateLimit-Reset": reset, "X-RateLimit-Remaining": "0", "Retry-After": reset} {
				h.Set(name, value)
			}
			w.WriteHeader(200 + (status%400+400)%400)
			fmt.Fprint(w, body)
		}
		answer.Store(&write)
		asks := servers.For("previews", own(), own())
		for product, g := range products(server.URL) {
			pulls, err := asks.PullRequests(t.Context(), &g.pulls)
			repos, reposErr := asks.Repositories(t.Context(), &g.repos)
			if err != nil && len(pulls) > 0 || reposErr != nil && len(repos) > 0 {
				t.Errorf("%s: a part of a list, and an error", product)
			}
			for _, err := range []error{err, reposErr} {
				if err != nil && (strings.Contains(err.Error(), planted) || strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 1000) {
					t.Errorf("%s: %q", product, err)
				}
			}
		}
	})
}
