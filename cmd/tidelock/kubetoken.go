package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
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

// A kubeToken is the token that stands in a kubeconfig, or in a file of its own, as it
// stands there now: whoever keeps that file puts a new one there before the old one ends.
// What client-go does of tokens in files of their own comes up to a minute later, in which
// a token that is refused would cost an agent its Lease. Of certificates client-go does the
// same at once.
type kubeToken struct {
	file string
	read func(file string) (string, error)
	next http.RoundTripper

	mu      sync.Mutex // guards all below
	glance  glance
	started string
	current string
}

// followToken has a token that stands in a file be read again when that changes.
func followToken(cfg *rest.Config, kubeconfig string) {
	file, read := kubeconfig, kubeconfigToken
	if cfg.BearerTokenFile != "" {
		file, read = cfg.BearerTokenFile, fileToken
		cfg.BearerToken = strings.TrimSpace(cfg.BearerToken)
	}
	if file == "" || cfg.BearerToken == "" {
		return
	}
	token := cfg.BearerToken
	cfg.BearerTokenFile = ""
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &kubeToken{file: file, read: read, next: next, started: token, current: token}
	})
}

func kubeconfigToken(file string) (string, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		return "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	return cfg.BearerToken, nil
}

func fileToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
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
	if token, err := k.read(k.file); err == nil && token != "" {
		k.current = token
		k.glance.seen(now)
	}
	return k.current
}
