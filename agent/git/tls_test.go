package git

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

func TestTLSAndToken(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	backend, err := url.Parse(u.serve("", "").URL)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(backend)
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hunter22" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	token := secrets.New([]byte("hunter22"))
	for _, tt := range []struct {
		name        string
		credentials Credentials
		kind        error
		says        string
	}{
		{"authority", Credentials{BearerToken: token, CA: ca}, nil, ""},
		{"any certificate", Credentials{BearerToken: token, InsecureSkipTLS: true}, nil, ""},
		{"unknown authority", Credentials{BearerToken: token}, ErrAuth, "certificate authority"},
		{"wrong token", Credentials{BearerToken: secrets.New([]byte("hunter23")), CA: ca}, ErrAuth, "do not allow"},
		{"rubbish for an authority", Credentials{BearerToken: token, CA: []byte("x")}, ErrAuth, "not PEM"},
		{"client certificate without key", Credentials{BearerToken: token, CA: ca, ClientCert: ca}, ErrAuth, "do not fit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, Options{})
			repo := Repo{URL: front.URL + "/shop.git", Credentials: tt.credentials}
			sha, err := s.Resolve(t.Context(), repo, "main")
			if !errors.Is(err, tt.kind) || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter")) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.says)
			}
			if tt.kind == nil && (sha != first || content(t, tree(t, s, repo, sha), "a") != "1") {
				t.Errorf("got %s", sha)
			}
		})
	}
}

// A repository that was renamed is found at its new place on the same server.
func TestRedirectOnTheSameHost(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("bob", "hunter22")
	move := func(w http.ResponseWriter, r *http.Request) bool {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/old.git"); ok {
			http.Redirect(w, r, "/shop.git"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return true
		}
		return false
	}
	web.before.Store(&move)
	s := newStore(t, Options{})
	repo := Repo{URL: web.URL + "/old.git", Credentials: Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}}
	if sha := resolve(t, s, repo, "main"); sha != first || content(t, tree(t, s, repo, sha), "a") != "1" {
		t.Errorf("got %s", sha)
	}
}
