package main

import (
	"net/http"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A glance is how a file was when it was last read.
type glance struct{ info os.FileInfo }

// tells is how old a file has to be for its time to tell whether it was written again.
const tells = 2 * time.Second

// news says whether a file is another one than when it was last seen, or has to be read
// again to be sure.
func (s *glance) news(name string) (now os.FileInfo, news bool, err error) {
	now, err = os.Stat(name)
	if err != nil {
		return nil, true, err
	}
	was := s.info
	same := was != nil && os.SameFile(was, now) && was.ModTime().Equal(now.ModTime()) && was.Size() == now.Size()
	return now, !same, nil
}

// seen notes that a file was read as it was then.
func (s *glance) seen(now os.FileInfo) {
	if s.info = nil; time.Since(now.ModTime()) > tells {
		s.info = now
	}
}

// A kubeToken is the token that stands in a kubeconfig, as it stands there now: whoever
// keeps that file puts a new one there before the old one ends. Of tokens in files of
// their own, and of certificates, client-go does the same.
type kubeToken struct {
	file string
	next http.RoundTripper

	mu      sync.Mutex // guards all below
	glance  glance
	started string
	current string
}

// followToken has a token that stands in a kubeconfig be read again when that changes.
func followToken(cfg *rest.Config, kubeconfig string) {
	if kubeconfig == "" || cfg.BearerToken == "" || cfg.BearerTokenFile != "" {
		return
	}
	token := cfg.BearerToken
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &kubeToken{file: kubeconfig, next: next, started: token, current: token}
	})
}

// RoundTrip sends a request that has the token with the one that counts now.
func (k *kubeToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if token := k.token(); r.Header.Get("Authorization") == "Bearer "+k.started && token != k.started {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return k.next.RoundTrip(r)
}

// token is as it stands in the file; as it was, if that cannot be read or has none.
func (k *kubeToken) token() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, news, err := k.glance.news(k.file)
	if err != nil || !news {
		return k.current
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", k.file)
	if err == nil && cfg.BearerToken != "" {
		k.current = cfg.BearerToken
		k.glance.seen(now)
	}
	return k.current
}
