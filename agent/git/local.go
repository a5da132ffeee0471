package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// localTransport serves a repository on this machine from inside this process.
// Its own mirrors are out of bounds: they may be of repositories that the asker
// may not read.
type localTransport struct{ mirrors string }

func (t localTransport) NewUploadPackSession(ep *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	dir, err := t.repository(ep.Path)
	if err != nil {
		return nil, err
	}
	store := filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault())
	session, err := server.NewClient(one{store}).NewUploadPackSession(ep, auth)
	return &localSession{session, store}, err
}

func (localTransport) NewReceivePackSession(*transport.Endpoint, transport.AuthMethod) (transport.ReceivePackSession, error) {
	return nil, errors.New("mirrors are read-only")
}

// repository finds the directory with the objects: path, or path/.git.
func (t localTransport) repository(path string) (string, error) {
	for _, dir := range []string{filepath.Join(path, ".git"), path} {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		if info, err := os.Stat(filepath.Join(real, "objects")); err != nil || !info.IsDir() {
			continue
		}
		if within, err := filepath.Rel(t.mirrors, real); err == nil && filepath.IsLocal(within) {
			return "", fmt.Errorf("%w: it lies among the mirrors", ErrAuth)
		}
		return real, nil
	}
	return "", transport.ErrRepositoryNotFound
}

// one is a server.Loader of one repository.
type one struct{ storer.Storer }

func (o one) Load(*transport.Endpoint) (storer.Storer, error) { return o.Storer, nil }

// localSession does what go-git's server leaves out: it peels tags, and copes
// with commits that only the asker has.
type localSession struct {
	transport.UploadPackSession
	store *filesystem.Storage
}

func (s *localSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	refs, err := s.UploadPackSession.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, err
	}
	for name, h := range refs.References {
		if target, ok := s.peel(h); ok && strings.HasPrefix(name, "refs/tags/") {
			refs.Peeled[name] = target
		}
	}
	return refs, nil
}

func (s *localSession) peel(h plumbing.Hash) (plumbing.Hash, bool) {
	peeled := false
	for range maxPeel {
		o, err := s.store.EncodedObject(plumbing.TagObject, h)
		if err != nil {
			break
		}
		raw, err := contentOf(o)
		if err != nil {
			break
		}
		if h, err = tagTarget(raw); err != nil {
			return h, false
		}
		peeled = true
	}
	return h, peeled
}

func (s *localSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	req.Haves = slices.DeleteFunc(req.Haves, func(h plumbing.Hash) bool {
		return s.store.HasEncodedObject(h) != nil
	})
	return s.UploadPackSession.UploadPack(ctx, req)
}
