package resolve

import (
	"context"
	"sync"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/audit"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A memory keeps the Secrets that SealedSecrets held, as long as the Application
// states them, for to open one takes long (see the benchmark of package sealed),
// and another commit seldom changes it. They are in memory anyway: the pipeline
// keeps what was stated last.
type memory struct {
	mu     sync.Mutex
	opened map[string]map[content]*manifest.Object // by Application; guarded by mu
}

// A content is one SealedSecret and what it was opened with.
type content struct {
	key        manifest.Key
	hash, keys string
	deprecated bool
}

func contentOf(o *manifest.Object, with sealed.Opener) content {
	return content{o.Key, o.Hash(), with.Keys.String(), with.Deprecated}
}

// open opens a SealedSecret, unless that was done before.
func (s *Stage) open(ctx context.Context, app string, o *manifest.Object, with sealed.Opener) (*manifest.Object, error) {
	of := contentOf(o, with)
	s.opened.mu.Lock()
	secret := s.opened.opened[app][of]
	s.opened.mu.Unlock()
	if secret != nil {
		found := *secret
		found.Origin = o.Origin
		return &found, nil
	}
	within, use := audit.Begin(ctx, audit.Event{Application: app, Kind: audit.Sealed, What: o.Key.String()})
	secret, err := with.Open(within, o)
	use.End(ctx, o.Hash(), err)
	if err != nil {
		return nil, err
	}
	s.opened.mu.Lock()
	defer s.opened.mu.Unlock()
	if s.opened.opened == nil {
		s.opened.opened = map[string]map[content]*manifest.Object{}
	}
	if s.opened.opened[app] == nil {
		s.opened.opened[app] = map[content]*manifest.Object{}
	}
	s.opened.opened[app][of] = secret
	return secret, nil
}

// keepOpened drops what an Application does not state any more, and what other
// keys have opened.
func (s *Stage) keepOpened(app string, stated manifest.Set, with sealed.Opener) {
	states := map[content]bool{}
	for _, o := range stated {
		if sealed.IsKind(o) {
			states[contentOf(o, with)] = true
		}
	}
	s.opened.mu.Lock()
	defer s.opened.mu.Unlock()
	for of := range s.opened.opened[app] {
		if !states[of] {
			delete(s.opened.opened[app], of)
		}
	}
	if len(s.opened.opened[app]) == 0 {
		delete(s.opened.opened, app)
	}
}

// Forget drops what is kept of an Application that is gone.
func (s *Stage) Forget(app string) { s.keepOpened(app, nil, sealed.Opener{}) }
