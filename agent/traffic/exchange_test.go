package traffic

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestMeasured: what was exchanged is told once, when the answer was read, and what does
// not end is not.
func TestMeasured(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	named := "http://localhost:" + at.Port()
	var told []string
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: Measured(func(e Exchange) {
		told = append(told, fmt.Sprintf("%s %d %d looked up: %t", e.Method, e.Sent, e.Received, e.Lookup > 0))
	})(transport)}
	ask := func(method, address, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		before := len(told)
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		if len(told) != before {
			t.Error("it is told before the answer is closed")
		}
		_ = response.Body.Close()
		_ = response.Body.Close()
	}
	ask(http.MethodPatch, named+"/api/v1/namespaces/shop", "four")
	ask(http.MethodGet, named+"/api/v1/pods", "")
	ask(http.MethodGet, named+"/api/v1/pods?watch=true", "")
	ask(http.MethodGet, server.URL+"/api/v1/pods", "")
	want := "PATCH 4 1000 looked up: true; GET 0 1000 looked up: false; GET 0 1000 looked up: false"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
