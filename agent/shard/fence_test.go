package shard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// TestFence: writes of work on what is another's do not leave, and end the work; all
// else does.
func TestFence(t *testing.T) {
	t.Parallel()
	sent := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = r.Method }))
	t.Cleanup(server.Close)
	mine, others := types.NamespacedName{Namespace: "argocd", Name: "mine"}, types.NamespacedName{Namespace: "argocd", Name: "others"}
	client := &http.Client{Transport: Fence(func(app types.NamespacedName) bool { return app == mine })(http.DefaultTransport)}
	for _, tt := range []struct {
		method string
		on     *types.NamespacedName
		lets   bool
	}{
		{http.MethodGet, &others, true}, {http.MethodHead, &others, true},
		{http.MethodPost, &others, false}, {http.MethodPut, &others, false}, {http.MethodPatch, &others, false}, {http.MethodDelete, &others, false},
		{http.MethodPatch, &mine, true}, {http.MethodDelete, &mine, true},
		{http.MethodPost, nil, true}, {http.MethodPut, nil, true},
	} {
		var running Running
		ctx, end := t.Context(), func() {}
		if tt.on != nil {
			ctx, end = running.Begin(t.Context(), *tt.on)
		}
		r, err := http.NewRequestWithContext(ctx, tt.method, server.URL, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		sent = ""
		response, err := client.Do(r)
		if err == nil {
			_ = response.Body.Close()
		}
		if lets := err == nil && sent == tt.method; lets != tt.lets || sent != "" != tt.lets {
			t.Errorf("%s on %v: sent %q, %v", tt.method, tt.on, sent, err)
		}
		if !tt.lets && (!errors.Is(err, ErrOthers) || !errors.Is(err, context.Canceled) || ctx.Err() == nil) {
			t.Errorf("%s on %v: %v, and its work goes on: %v", tt.method, tt.on, err, ctx.Err() == nil)
		}
		end()
	}
}
