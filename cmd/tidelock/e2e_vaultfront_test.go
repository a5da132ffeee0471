package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
)

// A vaultFront is what agents reach a Vault through: it may fail where Vault, the
// network or a load balancer does.
type vaultFront struct {
	*httptest.Server
	mode  atomic.Value // "", "gone", "silent" or a status
	asked atomic.Int64
	over  chan struct{}
}

func startVaultFront(behind string) (*vaultFront, error) {
	to, err := url.Parse(behind)
	if err != nil {
		return nil, err
	}
	f := &vaultFront{over: make(chan struct{})}
	f.mode.Store("")
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		switch mode := f.mode.Load().(string); mode {
		case "":
			proxy.ServeHTTP(w, r)
		case "gone":
			panic(http.ErrAbortHandler) // the connection breaks
		case "silent":
			select {
			case <-r.Context().Done():
			case <-f.over:
			}
		default:
			status, _ := strconv.Atoi(mode) // becomes has looked
			w.WriteHeader(status)
		}
	}))
	return f, nil
}

// becomes sets how it answers from now on.
func (f *vaultFront) becomes(mode string) error {
	if status, err := strconv.Atoi(mode); mode != "" && mode != "gone" && mode != "silent" && (err != nil || status < 400) {
		return fmt.Errorf("a Vault cannot be %q", mode)
	}
	f.mode.Store(mode)
	return nil
}

// Close ends it.
func (f *vaultFront) Close() {
	close(f.over)
	f.Server.Close()
}
