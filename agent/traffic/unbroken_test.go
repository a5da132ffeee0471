package traffic

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestUnbroken: a write that is under way is answered though its context ends; a read is
// not, and a write that is not under way yet is not begun.
func TestUnbroken(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan string, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- r.Method
		<-goOn
		_, _ = io.WriteString(w, "done")
	}))
	defer server.Close()
	client := &http.Client{Transport: Unbroken(time.Hour, nil)(http.DefaultTransport)}
	ask := func(ctx context.Context, method, query string) error {
		r, err := http.NewRequestWithContext(ctx, method, server.URL+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
		return err
	}
	for _, tt := range []struct {
		method, query string
		answered      bool
	}{
		{http.MethodPatch, "", true}, {http.MethodPost, "", true}, {http.MethodDelete, "", true},
		{http.MethodGet, "", false}, {http.MethodPatch, "?dryRun=All", false},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- ask(ctx, tt.method, tt.query) }()
		<-begun
		cancel()
		if tt.answered {
			goOn <- struct{}{}
		}
		if err := <-ended; tt.answered != (err == nil) {
			t.Errorf("%s%s ends with %v", tt.method, tt.query, err)
		}
		if !tt.answered {
			goOn <- struct{}{}
		}
		if err := ask(ctx, tt.method, tt.query); !errors.Is(err, context.Canceled) || len(begun) > 0 {
			t.Errorf("%s%s is begun after the end: %v", tt.method, tt.query, err)
		}
	}
}
