package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// salt makes hashes of what was seen useless to whoever reads them elsewhere.
var salt = rand.Text()

// present is the host of whichever call is under way: a connection serves more
// than the one that made it, and each may see what its own host lets it see.
type present struct{}

var errNoCall = errors.New("nobody may be asked for objects now")

// Get asks the host of the call, and takes note if somebody watches.
func (present) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	host, ok := ctx.Value(tokensKey{}).(sdk.Objects)
	if !ok {
		return nil, errNoCall
	}
	raw, err := host.Get(ctx, apiVersion, kind, namespace, name)
	if seen, ok := ctx.Value(sightingsKey{}).(*sightings); ok && err == nil {
		seen.add(sighting{apiVersion, kind, namespace, name, hash(raw)})
	}
	return raw, err
}

// Token asks the host of the call.
func (present) Token(ctx context.Context, namespace, account string, audiences []string) (sdk.Material, error) {
	host, ok := ctx.Value(tokensKey{}).(sdk.Objects)
	if !ok {
		return nil, errNoCall
	}
	return host.Token(ctx, namespace, account, audiences)
}

// sightings are the objects that a login was made with. Tokens of ServiceAccounts
// are none: each is another, and what they may do ends with the connection's life.
type sightings struct {
	mu  sync.Mutex // guards all
	all []sighting
}

type sightingsKey struct{}

type sighting struct {
	apiVersion, kind, namespace, name string
	hash                              [sha256.Size]byte
}

func hash(raw []byte) [sha256.Size]byte { return sha256.Sum256(append([]byte(salt), raw...)) }

// watch has what is read under the context noted.
func (s *sightings) watch(ctx context.Context) context.Context {
	return context.WithValue(ctx, sightingsKey{}, s)
}

func (s *sightings) add(one sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// same says that this call sees the same objects: it may then use what others
// have logged in with.
func (s *sightings) same(ctx context.Context) bool {
	s.mu.Lock()
	all := s.all
	s.mu.Unlock()
	for _, one := range all {
		raw, err := present{}.Get(ctx, one.apiVersion, one.kind, one.namespace, one.name)
		if err != nil || hash(raw) != one.hash {
			return false
		}
	}
	return true
}
