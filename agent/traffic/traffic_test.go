package traffic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ method, url, want string }{
		{"GET", "/api/v1/pods", "List pods"},
		{"GET", "/api/v1/pods?watch=1", "Watch pods"},
		{"GET", "/api/v1/pods?watch=true", "Watch pods"},
		{"GET", "/api/v1/pods?watch=false", "List pods"},
		{"GET", "/api/v1/namespaces/shop/pods/web", "Get pods in shop"},
		{"GET", "/api/v1/namespaces/shop/pods/web/log", "Get pods in shop"},
		{"GET", "/api/v1/namespaces/shop", "Get namespaces"},
		{"GET", "/api/v1/namespaces", "List namespaces"},
		{"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&force=true", "Patch deployments in shop, dry run"},
		{"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", "Patch deployments in shop"},
		{"POST", "/apis/apps/v1/namespaces/shop/deployments", "Create deployments in shop"},
		{"PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view", "Update clusterroles"},
		{"DELETE", "/apis/batch/v1/namespaces/shop/jobs/migrate", "Delete jobs in shop"},
		{"GET", "/version", "Unknown "},
		{"GET", "/apis", "Unknown "},
		{"GET", "/apis/apps/v1", "Unknown "},
		{"GET", "/api/v1", "Unknown "},
		{"GET", "/", "Unknown "},
		{"OPTIONS", "/api/v1/pods", "Unknown pods"},
	} {
		r := parse(httptest.NewRequest(tt.method, "https://kube.example"+tt.url, nil))
		got := r.Verb + " " + r.Resource
		if r.Namespace != "" {
			got += " in " + r.Namespace
		}
		if r.DryRun {
			got += ", dry run"
		}
		if got != tt.want || r.Host != "kube.example" || r.Method != tt.method {
			t.Errorf("%s %s: got %q of %s, want %q", tt.method, tt.url, got, r.Host, tt.want)
		}
	}
}

// TestTold: every request is told of once, with its outcome, but one that we gave up.
func TestTold(t *testing.T) {
	var told []string
	answer := func(code int, err error) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			return &http.Response{StatusCode: code, Body: http.NoBody}, nil
		})
	}
	ask := func(ctx context.Context, code int, err error) {
		transport := Told("in-cluster", func(r Request) { told = append(told, fmt.Sprint(r.Server, " ", r.App, " ", r.Verb, " ", r.Code)) })(answer(code, err))
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://kube.example/api/v1/pods", nil)
		if response, got := transport.RoundTrip(r); got == nil {
			response.Body.Close()
		} else if !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	shop := For(t.Context(), types.NamespacedName{Namespace: "argocd", Name: "shop"})
	ended, end := context.WithCancel(shop)
	end()
	ask(t.Context(), 200, nil)
	ask(shop, 409, nil)
	ask(shop, 0, errors.New("connection refused"))
	ask(ended, 0, errors.New("canceled"))
	ask(ended, 200, nil)
	if got, want := fmt.Sprint(told), "[in-cluster / List 200 in-cluster argocd/shop List 409 in-cluster argocd/shop List 0 in-cluster argocd/shop List 200]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
