package readonly_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/agent/readonly"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// A server notes what reaches it.
type server struct {
	*httptest.Server
	mu   sync.Mutex // guards seen
	seen []string
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestGuard: what is let through reaches the server, and all else never does.
func TestGuard(t *testing.T) {
	const dry = " dry"
	for _, tt := range []struct{ request, through string }{
		{"GET /api/v1/namespaces/shop/secrets/db", "always"},
		{"GET /apis/apps/v1/deployments?watch=true", "always"},
		{"GET /api/v1/namespaces/shop/configmaps/proxy", "always"},
		{"GET /api/v1/namespaces/proxy/configmaps/exec", "always"},
		{"GET /api/v1/namespaces/shop/pods/web/log", "always"},
		{"GET /version", "always"},
		{"GET /openapi/v3", "always"},
		{"HEAD /api/v1/nodes", "always"},
		{"GET /api/v1/namespaces/shop/pods/web/exec?command=rm", "never"},
		{"GET /api/v1/namespaces/shop/pods/web/portforward", "never"},
		{"GET /api/v1/namespaces/shop/services/web/proxy/delete-all", "never"},
		{"GET /api/v1/nodes/one/proxy/run", "never"},
		{"GET /api/v1/proxy/nodes/one", "never"},
		{"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "always"},
		{"POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "always"},
		{"POST /apis/authentication.k8s.io/v1/selfsubjectreviews", "always"},
		{"POST /apis/authentication.k8s.io/v1/tokenreviews", "never"},
		{"POST /apis/example.com/v1/selfsubjectaccessreviews", "never"},
		{"POST /api/v1/namespaces/shop/serviceaccounts/web/token", "never"},
		{"POST /api/v1/namespaces/shop/configmaps", "never"},
		{"POST /api/v1/namespaces/shop/configmaps?dryRun=All", "never"},
		{"PATCH /api/v1/namespaces/shop/configmaps/web?dryRun=All&force=true", dry},
		{"PATCH /api/v1/namespaces/shop/configmaps/web", "never"},
		{"PATCH /api/v1/namespaces/shop/configmaps/web?dryRun=", "never"},
		{"PATCH /api/v1/namespaces/shop/configmaps/web?dryRun=None", "never"},
		{"PATCH /api/v1/namespaces/shop/configmaps/web?dryRun=All&dryRun=None", "never"},
		{"PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop", "never"},
		{"PUT /api/v1/namespaces/shop/configmaps/web?dryRun=All", dry},
		{"PUT /api/v1/namespaces/shop/configmaps/web", "never"},
		{"DELETE /api/v1/namespaces/shop/configmaps/web?dryRun=All", "never"},
		{"DELETE /api/v1/namespaces/shop/configmaps/web", "never"},
		{"DELETE /api/v1/namespaces/shop/configmaps", "never"},
		{"CONNECT /api/v1/nodes/one/proxy", "never"},
	} {
		for _, dryRuns := range []bool{false, true} {
			s := newServer(t)
			var refused []string
			cfg := readonly.Config(&rest.Config{Host: s.URL}, readonly.Guard{
				DryRuns: dryRuns, Refused: func(request string) { refused = append(refused, request) },
			})
			client, err := rest.HTTPClientFor(cfg)
			if err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(tt.request, " ")
			request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			through := tt.through == "always" || tt.through == dry && dryRuns
			if got := len(s.seen) > 0; got != through || through == (response.StatusCode == http.StatusForbidden) || through != (len(refused) == 0) {
				t.Errorf("%s, dry runs %v: reached the server: %v, status %d, refused %v", tt.request, dryRuns, got, response.StatusCode, refused)
			}
		}
	}
}

func TestUpgrade(t *testing.T) {
	s := newServer(t)
	client, err := rest.HTTPClientFor(readonly.Config(&rest.Config{Host: s.URL}, readonly.Guard{DryRuns: true}))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/namespaces", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Upgrade", "SPDY/3.1")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden || len(s.seen) > 0 {
		t.Errorf("status %d, the server has seen %v", response.StatusCode, s.seen)
	}
}

// TestClients: the guard holds for clients of copies, and for those in others' names,
// and what it says is read as the server's own word.
func TestClients(t *testing.T) {
	s := newServer(t)
	cfg := rest.CopyConfig(readonly.Config(&rest.Config{Host: s.URL}, readonly.Guard{}))
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "somebody"}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return next })
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().ConfigMaps("shop").Create(context.Background(), &corev1.ConfigMap{}, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "nothing is written here") {
		t.Errorf("create: %v", err)
	}
	if len(s.seen) > 0 {
		t.Errorf("the server has seen %v", s.seen)
	}
}
