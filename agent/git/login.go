package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/tidelock-io/tidelock/secrets"
)

// defaultUser goes with a password that has no user, as in Argo CD.
const defaultUser = "x-access-token"

// A login is what is shown to an http(s) server with each request.
type login interface {
	// show returns what to show now, asking for a token if need be; nil is nothing.
	show(ctx context.Context) (githttp.AuthMethod, error)
	// refused says that the server did not take what was shown last, and reports
	// whether there is something else to show.
	refused() bool
	// scrub takes out of a text what was shown.
	scrub(text string) string
}

// newLogin chooses one of the credentials.
func newLogin(repo Repo) (login, error) {
	c := repo.Credentials
	switch {
	case !empty(c.BearerToken) && (empty(c.Password) || !c.ForceBasic):
		return constant{&githttp.TokenAuth{Token: string(c.BearerToken.Reveal())}}, nil
	case c.Username != "" || !empty(c.Password):
		return constant{basic(c.Username, c.Password)}, nil
	case !empty(c.GitHubApp.PrivateKey):
		return newAppLogin(repo)
	case !empty(c.GoogleKey):
		return newGoogleLogin(c)
	case c.Azure.ClientID != "" || c.Azure.WorkloadIdentity:
		return newAzureLogin(c)
	case c.Personal != nil && c.Personal.Password != nil:
		return &personalLogin{address: repo.URL, ask: c.Personal.Password}, nil
	}
	return constant{}, nil
}

// login returns one that all repositories share which have the same credentials,
// if it asks for tokens.
func (s *Store) login(repo Repo) (login, error) {
	made, err := newLogin(repo)
	asking, ok := made.(*tokenLogin)
	if err != nil || !ok {
		return made, err
	}
	key := repo.Credentials.fingerprint(s.key)
	if !empty(repo.Credentials.GitHubApp.PrivateKey) {
		key += hostOf(repo.URL) + "/" + strings.ToLower(ownerOf(repo.URL)) // whose installation it is
	}
	if known, ok := s.tokens.get(key); ok {
		return known, nil
	}
	return s.tokens.put(key, asking), nil
}

func basic(user string, password secrets.Value) *githttp.BasicAuth {
	return &githttp.BasicAuth{Username: cmp.Or(user, defaultUser), Password: string(password.Reveal())}
}

// constant shows always the same. Credentials know how to scrub it.
type constant struct{ method githttp.AuthMethod }

func (c constant) show(context.Context) (githttp.AuthMethod, error) { return c.method, nil }
func (constant) refused() bool                                      { return false }
func (constant) scrub(text string) string                           { return text }

// A refusal is why we do not get in, in words that hold no secret.
type refusal struct {
	kind       error
	what, hint string
}

func refuse(hint, format string, args ...any) *refusal {
	return &refusal{ErrAuth, fmt.Sprintf(format, args...), hint}
}

func (r *refusal) Error() string { return r.what }
func (r *refusal) Unwrap() error { return r.kind }

// authMethod keeps a nil of one interface from being something in the other.
func authMethod(m githttp.AuthMethod) transport.AuthMethod {
	if m == nil {
		return nil
	}
	return m
}

// hostOf returns the host of an address, in lower case and without the port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// asksForMore reports whether a server wants other credentials than it got.
func asksForMore(err error) bool {
	return errors.Is(err, transport.ErrAuthenticationRequired)
}
