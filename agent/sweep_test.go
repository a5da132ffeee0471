package agent

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// TestSweep: what takes all Applications with it is named, and what may not be read is
// not held against anybody.
func TestSweep(t *testing.T) {
	const there, going = `{"metadata": {"name": "x"}}`, `{"metadata": {"name": "x", "deletionTimestamp": "2026-05-04T09:00:00Z"}}`
	failure := func(code int, reason string) string {
		return fmt.Sprintf(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": %q, "code": %d}`, reason, code)
	}
	for _, tt := range []struct{ name, definition, namespace, want string }{
		{"neither", there, there, ""},
		{"the definition", going, there, "CustomResourceDefinition applications.argoproj.io"},
		{"the namespace", there, going, "Namespace shop"},
		{"both", going, going, "CustomResourceDefinition applications.argoproj.io"},
		{"no right", failure(403, "Forbidden"), going, "Namespace shop"},
		{"no right at all", failure(403, "Forbidden"), failure(403, "Forbidden"), ""},
		{"gone", failure(404, "NotFound"), failure(404, "NotFound"), ""},
		{"no answer", failure(400, "BadRequest"), there, "read CustomResourceDefinition applications.argoproj.io: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := map[string]string{
					"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io": tt.definition, "/api/v1/namespaces/shop": tt.namespace,
				}[r.URL.Path]
				w.Header().Set("Content-Type", "application/json")
				var code int
				if _, err := fmt.Sscanf(answer[max(0, strings.Index(answer, `"code": `)):], `"code": %d`, &code); err == nil {
					w.WriteHeader(code)
				} else {
					answer = `{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", ` + strings.TrimPrefix(answer, "{")
				}
				_, _ = w.Write([]byte(answer))
			}))
			defer server.Close()
			s, err := NewSweep(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Going(t.Context(), "shop")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
