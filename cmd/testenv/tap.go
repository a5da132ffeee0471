package testenv

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Tap keeps what is applied through a proxy, as it went to the API server.
type Tap struct {
	mu      sync.Mutex // guards applied
	applied [][]byte
}

// StartTap runs a proxy before the API server that fails in nothing.
func (c *Cluster) StartTap() (*FaultyProxy, *Tap, error) {
	p, err := c.StartFaults(0, 0)
	if err != nil {
		return nil, nil, err
	}
	t := &Tap{}
	behind := p.server.Config.Handler
	p.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isApply(r) {
			if err := t.take(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		behind.ServeHTTP(w, r)
	})
	return p, t, nil
}

func isApply(r *http.Request) bool {
	return r.Method == http.MethodPatch && r.Header.Get("Content-Type") == "application/apply-patch+yaml" && r.URL.Query().Get("dryRun") == ""
}

func (t *Tap) take(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.applied = append(t.applied, body)
	return nil
}

// Applied returns the bodies of the server-side applies so far that were no dry run.
func (t *Tap) Applied() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.applied)
}

// DecodeExactly reads an object with numbers as they are written.
func DecodeExactly(text []byte) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return object, decoder.Decode(&object.Object)
}
