package main

import (
	"context"
	"encoding/json"
	"fmt"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
)

// A session is a store as one call sees it. Its connection may be another from
// one question to the next, after a token has expired.
type session struct {
	esv1.SecretsClient // nil: nothing is written here
	name               string
	slot               *slot
	dial               connect
	lasting            bool
	own                *connection // if it is not lasting
}

func (p *pool) session(ref esv1.SecretStoreRef, at place, lasting bool, dial connect) *session {
	return &session{name: fmt.Sprintf("%s %q", ref.Kind, ref.Name), slot: p.slot(at), dial: dial, lasting: lasting}
}

// GetSecret asks for one value.
func (s *session) GetSecret(ctx context.Context, ref esv1.ExternalSecretDataRemoteRef) ([]byte, error) {
	return ask(ctx, s, func(ctx context.Context, c esv1.SecretsClient) ([]byte, error) { return c.GetSecret(ctx, ref) })
}

// GetSecretMap asks for all values of one secret.
func (s *session) GetSecretMap(ctx context.Context, ref esv1.ExternalSecretDataRemoteRef) (map[string][]byte, error) {
	return ask(ctx, s, func(ctx context.Context, c esv1.SecretsClient) (map[string][]byte, error) {
		return c.GetSecretMap(ctx, ref)
	})
}

// GetAllSecrets asks for many secrets.
func (s *session) GetAllSecrets(ctx context.Context, ref esv1.ExternalSecretFind) (map[string][]byte, error) {
	return ask(ctx, s, func(ctx context.Context, c esv1.SecretsClient) (map[string][]byte, error) {
		return c.GetAllSecrets(ctx, ref)
	})
}

// Close ends what is this call's alone.
func (s *session) Close(context.Context) error {
	if s.own != nil {
		s.own.give()
		s.own = nil
	}
	return nil
}

// A question is what a store is asked.
type question[T any] func(context.Context, esv1.SecretsClient) (T, error)

// ask puts one question to the store. A login that has expired is made anew,
// once.
func ask[T any](ctx context.Context, s *session, q question[T]) (answer T, err error) {
	select {
	case s.slot.room <- struct{}{}:
		defer func() { <-s.slot.room }()
	case <-ctx.Done():
		return answer, s.called(ctx.Err())
	}
	answer, used, err := try(ctx, s, q, nil)
	if used != nil && denied(err) && used.expired() {
		answer, _, err = try(ctx, s, q, used)
	}
	return answer, s.called(err)
}

// try asks once, by a connection that differs from gone.
func try[T any](ctx context.Context, s *session, q question[T], gone *connection) (answer T, used *connection, err error) {
	if err := s.slot.resting(); err != nil {
		return answer, nil, err
	}
	c, err := s.connection(ctx, gone)
	if err != nil {
		return answer, nil, err
	}
	defer c.give()
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	answer, err = q(bounded, c.client)
	return answer, c, s.slot.judge(ctx, err, outside(err))
}

// connection returns one for one use.
func (s *session) connection(ctx context.Context, gone *connection) (*connection, error) {
	if s.lasting {
		return s.slot.connection(ctx, s.dial, gone)
	}
	if s.own == nil || s.own == gone {
		_ = s.Close(ctx)
		made, err := open(ctx, s.dial)
		if err != nil {
			return nil, s.slot.judge(ctx, err, true)
		}
		s.own = made
		return made, nil
	}
	s.own.take()
	return s.own, nil
}

// place names the store. One that refers to objects without saying in which
// namespace logs in differently in each that it is used from.
func (s *stores) place(ref esv1.SecretStoreRef, spec *esv1.SecretStoreSpec) (place, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return place{}, err
	}
	var fields any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return place{}, err
	}
	at := place{ref.Kind, s.namespace, ref.Name, hash(raw)}
	if ref.Kind == esv1.ClusterSecretStoreKind && !refersHere(fields) {
		at.namespace = ""
	}
	return at, nil
}

// refersHere says that somewhere an object is named without its namespace.
func refersHere(node any) bool {
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			if refersHere(item) {
				return true
			}
		}
	case map[string]any:
		_, named := node["name"].(string)
		if _, placed := node["namespace"].(string); named && !placed {
			return true
		}
		for _, item := range node {
			if refersHere(item) {
				return true
			}
		}
	}
	return false
}
