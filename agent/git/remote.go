package git

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// A remote is one address reached with one set of credentials. What it says is
// not told to those who come with other credentials, though they share a mirror.
type remote struct {
	key    string
	repo   Repo
	mirror *mirror
	limits serverLimits

	endpoint  *transport.Endpoint
	via       transport.Transport
	login     login // to http(s)
	stateless bool  // a session may ask for a pack without listing first

	used   atomic.Int64 // Unix time of the last call, in nanoseconds
	last   atomic.Pointer[listing]
	failed atomic.Pointer[failedPoll]
}

// A failedPoll is the last listing that failed, if none succeeded since.
type failedPoll struct {
	at  time.Time
	err error
}

// connect prepares how to reach the repository, without reaching for it.
func (r *remote) connect(s *Store) (err error) {
	r.login = constant{}
	if path, ok := localPath(r.repo.URL); ok {
		r.endpoint = &transport.Endpoint{Protocol: "file", Path: path}
		r.via = localTransport{s.root}
		return nil
	}
	if r.endpoint, err = transport.NewEndpoint(r.repo.URL); err != nil {
		return &Error{URL: redact(r.repo.URL), Kind: ErrRepository, What: "the address is not one of a Git repository"}
	}
	switch r.endpoint.Protocol {
	case "http", "https":
		r.stateless = true
		if r.via, err = newHTTP(r.repo.Credentials, r.limits); err == nil {
			err = r.logIn(s)
		}
	case "ssh", "git+ssh":
		r.via, err = newSSH(r.repo.Credentials, r.endpoint, r.limits)
	default:
		return &Error{
			URL: redact(r.repo.URL), Kind: ErrRepository, What: "the scheme is not supported",
			Hint: "use https://, http://, ssh://, user@host:path or file://",
		}
	}
	return r.classify(err)
}

// logIn keeps the login that scrubs what it must, whatever comes of it.
func (r *remote) logIn(s *Store) error {
	l, err := s.login(r.repo)
	if err == nil {
		r.login = l
	}
	return err
}

// open starts a session, which changes its endpoint when it is redirected.
func (r *remote) open(ctx context.Context) (transport.UploadPackSession, *transport.Endpoint, error) {
	shown, err := r.login.show(ctx)
	if err != nil {
		return nil, nil, err
	}
	endpoint := *r.endpoint
	session, err := r.via.NewUploadPackSession(&endpoint, authMethod(shown))
	return session, &endpoint, err
}

// A conversation is a session with what the server says that it has.
type conversation struct {
	listing *listing
	session transport.UploadPackSession
}

func (c *conversation) close() error { return c.session.Close() }

// ask opens a session and learns what the server has.
func (r *remote) ask(ctx context.Context) (*conversation, error) {
	c, err := r.askOnce(ctx)
	if asksForMore(err) && r.login.refused() {
		c, err = r.askOnce(ctx)
	}
	if err != nil {
		return nil, r.remember(nil, err)
	}
	return c, r.remember(c.listing, nil)
}

func (r *remote) askOnce(ctx context.Context) (*conversation, error) {
	at := time.Now()
	session, endpoint, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		refs, err = packp.NewAdvRefs(), nil
	}
	if err != nil {
		session.Close()
		return nil, err
	}
	l := newListing(refs, at)
	l.redirected = endpoint.String() != r.endpoint.String()
	return &conversation{l, session}, nil
}

func (r *remote) remember(l *listing, err error) error {
	if err != nil {
		err = r.classify(err)
		r.failed.Store(&failedPoll{time.Now(), err})
		return err
	}
	r.failed.Store(nil)
	r.last.Store(l)
	return nil
}

// list is one ls-remote.
func (r *remote) list(ctx context.Context) (*listing, error) {
	c, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	return c.listing, c.close()
}

// missing is the error for a commit that the server does not have, or keeps.
func (r *remote) missing(sha plumbing.Hash) error {
	return &Error{
		URL: redact(r.repo.URL), Kind: ErrRevision, What: "commit " + sha.String() + " is not in the repository",
		Hint: "it may have been on a branch that was deleted or force-pushed",
	}
}

// corrupt is the error for a damaged object of the mirror.
func (r *remote) corrupt(err error) error {
	return &Error{URL: redact(r.repo.URL), Kind: ErrCorrupt, What: plain(err), Hint: "the next attempt fetches it anew"}
}
