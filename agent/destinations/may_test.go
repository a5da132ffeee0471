package destinations

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// TestMay: a cluster is asked for each right in the name of its Secret, and the answers
// are in the order of the questions; what keeps it from answering is told apart.
func TestMay(t *testing.T) {
	var rights []authorizationv1.ResourceAttributes
	for _, verb := range []string{"get", "list", "watch", "create", "delete", "escalate", "bind", "patch", "update", "impersonate"} {
		rights = append(rights, authorizationv1.ResourceAttributes{Verb: verb, Group: "*", Resource: "*"})
	}
	for _, tt := range []struct {
		name, token string
		answer      func(http.ResponseWriter)
		want        string
		is          error
	}{
		{"some", "good", nil, "get list watch", nil},
		{"refused", "bad", nil, "it refuses the login of Secret argocd/eu (401 Unauthorized)", ErrLogin},
		{"forbidden", "good", func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, "it answers 403 Forbidden when it is asked for rights", ErrUnreachable},
		{"no JSON", "good", func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated); _, _ = w.Write([]byte("<html>")) }, "read what it says of rights", ErrUnreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var review authorizationv1.SelfSubjectAccessReview
				switch err := json.NewDecoder(r.Body).Decode(&review); {
				case r.Header.Get("Authorization") != "Bearer good":
					w.WriteHeader(http.StatusUnauthorized)
				case tt.answer != nil:
					tt.answer(w)
				case err != nil || r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" || review.Kind != "SelfSubjectAccessReview":
					w.WriteHeader(http.StatusBadRequest)
				default:
					review.Status.Allowed = slices.Contains([]string{"get", "list", "watch"}, review.Spec.ResourceAttributes.Verb)
					w.WriteHeader(http.StatusCreated)
					_ = json.NewEncoder(w).Encode(review)
				}
			}))
			defer server.Close()
			s := secretOf("eu", server.URL, `{"bearerToken": "`+tt.token+`", "tlsClientConfig": {"insecure": true}}`)
			allowed, err := May(t.Context(), s, nil, time.Minute, rights)
			if !errors.Is(err, tt.is) {
				t.Fatalf("got %v, want one that is %v", err, tt.is)
			}
			var got []string
			for i, yes := range allowed {
				if yes {
					got = append(got, rights[i].Verb)
				}
			}
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// TestProgramOf: whose Secret has a program run is known without running it.
func TestProgramOf(t *testing.T) {
	for config, want := range map[string]string{
		`{"execProviderConfig": {"command": "aws", "args": ["eks"]}}`: "aws",
		`{"bearerToken": "x"}`: "", `{`: "", ``: "",
	} {
		if got := Program(secretOf("eu", "https://eu", config)); got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
}
