package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/vault/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// How long a store that fails is left alone: what else is asked of it meanwhile
// fails at once, with the same words. Both are below what the host waits before
// it asks for the same ExternalSecret again.
const (
	minRest = 2 * time.Second
	maxRest = time.Minute
)

// An outage is that a store fails, whatever it is asked for.
type outage struct {
	err      error
	failures int
	until    time.Time
}

// resting returns why the store is left alone, nil if it is not.
func (s *slot) resting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.outage.until) {
		return s.outage.err
	}
	return nil
}

// judge takes note of how the store has answered, and returns err: with the
// store's own deadline in words. Whole says that an error is about all that could
// be asked.
func (s *slot) judge(ctx context.Context, err error, whole bool) error {
	if ctx.Err() != nil {
		return err // whoever asked went away, which says nothing of the store
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err, whole = fmt.Errorf("it does not answer within %s", storeTimeout), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && whole:
		rest := min(minRest<<min(s.outage.failures, 10), maxRest)
		s.outage = outage{err, s.outage.failures + 1, time.Now().Add(rest)}
	case err == nil:
		s.outage = outage{}
	}
	return err
}

// called names the store in an error, once.
func (s *session) called(err error) error {
	if err == nil || errors.As(err, new(*storeError)) {
		return err
	}
	return &storeError{s.name, err}
}

// A storeError says which store an error comes from.
type storeError struct {
	store string
	err   error
}

func (e *storeError) Error() string { return e.store + ": " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// outside says that a store failed by itself: it cannot be reached, is sealed,
// overloaded or broken. What it says of one secret is no such thing.
func outside(err error) bool {
	if code := statusOf(err); code != 0 {
		return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	return errors.As(err, new(*url.Error))
}

// denied says that a store refused, perhaps because the login has expired. Vault
// says the same then as of what a login does not reach; an API server does not.
func denied(err error) bool {
	code := statusOf(err)
	return code == http.StatusUnauthorized || code == http.StatusForbidden && errors.As(err, new(*api.ResponseError))
}

// statusOf returns the HTTP status in an error, 0 if there is none.
func statusOf(err error) int {
	var vault *api.ResponseError
	if errors.As(err, &vault) {
		return vault.StatusCode
	}
	var kubernetes apierrors.APIStatus
	if errors.As(err, &kubernetes) {
		return int(kubernetes.Status().Code)
	}
	return 0
}
