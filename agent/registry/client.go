package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

const (
	userAgent    = "tidelock"
	maxRedirects = 5
)

// A client reaches one place, and other hosts where that place points to. What is
// secret is for the place's own scheme, host and port, and so is what weakens TLS.
type client struct {
	place Place
	own   *url.URL
	http  *http.Client

	at, elsewhere *http.Transport
}

// newClient prepares for a place at a web address.
func newClient(p Place, address string) (*client, error) {
	own, err := url.Parse(address)
	if err != nil || own.Host == "" || own.Scheme != "https" && own.Scheme != "http" {
		return nil, p.failf(git.ErrRepository, "write it as https://host/path", "the address is not one of a %s", p.kind)
	}
	c := &client{place: p, own: own}
	if c.at, err = p.Credentials.Transport(); err != nil {
		return nil, c.explain(err)
	}
	strangers := p.Credentials
	strangers.InsecureSkipTLS, strangers.ClientCert = false, nil
	if c.elsewhere, err = strangers.Transport(); err != nil {
		return nil, c.explain(err)
	}
	c.http = &http.Client{Transport: c, CheckRedirect: c.redirect}
	return c, nil
}

// close lets go of idle connections.
func (c *client) close() {
	c.at.CloseIdleConnections()
	c.elsewhere.CloseIdleConnections()
}

// RoundTrip makes client an http.RoundTripper.
func (c *client) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.isOwn(req.URL) {
		return c.at.RoundTrip(req)
	}
	return c.elsewhere.RoundTrip(req)
}

// isOwn says whether credentials may go to an address.
func (c *client) isOwn(u *url.URL) bool {
	return u.Scheme == c.own.Scheme && strings.EqualFold(u.Hostname(), c.own.Hostname()) && port(u) == port(c.own)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

// redirect follows to other hosts without credentials, and never from https to
// http. Go itself drops them only if the name of the host is another.
func (c *client) redirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("redirected more than %d times", maxRedirects)
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirected from https to http, which is not followed")
	}
	for _, hop := range append(via, next) {
		if !c.isOwn(hop.URL) {
			next.Header.Del("Authorization")
			next.Header.Del("Referer")
		}
	}
	return nil
}

// get asks for an address. The caller closes the body of the answer, whose status
// is 200, or 304 if the header has a condition.
func (c *client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || req.URL.Host == "" || req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return nil, c.place.failf(git.ErrRepository, "", "it refers to %q, which is no address on the web", git.Redact(clean(address)))
	}
	req.URL.User = nil
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("User-Agent", userAgent)
	if c.isOwn(req.URL) || c.place.PassCredentials {
		c.login(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	conditional := header.Get("If-None-Match")+header.Get("If-Modified-Since") != ""
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusNotModified && conditional {
		return res, nil
	}
	res.Body.Close()
	return nil, c.status(res.StatusCode)
}

// login shows what there is to show.
func (c *client) login(req *http.Request) {
	of := c.place.Credentials
	switch token, password := of.BearerToken.Reveal(), of.Password.Reveal(); {
	case len(token) > 0:
		req.Header.Set("Authorization", "Bearer "+string(token))
	case of.Username != "" || len(password) > 0:
		req.SetBasicAuth(of.Username, string(password))
	}
}

// credential is login for a registry.
func (c *client) credential(_ context.Context, hostport string) (auth.Credential, error) {
	if !strings.EqualFold(hostport, c.own.Host) {
		return auth.EmptyCredential, nil
	}
	of := c.place.Credentials
	return auth.Credential{
		Username: of.Username, Password: string(of.Password.Reveal()),
		AccessToken: string(of.BearerToken.Reveal()), RefreshToken: string(c.place.IdentityToken.Reveal()),
	}, nil
}

// status is the error for an answer of another status.
func (c *client) status(code int) error {
	switch code {
	case http.StatusUnauthorized:
		return c.place.failf(git.ErrAuth, "add or correct the repository's credentials", "the server asks for credentials, or does not accept those it got")
	case http.StatusForbidden:
		return c.place.failf(git.ErrAuth, "grant read access, or use other credentials", "the credentials do not allow reading it")
	case http.StatusNotFound, http.StatusGone:
		return c.place.failf(git.ErrRepository, "check the address and the credentials", "the server has no such %s, or hides it without credentials", c.place.kind)
	case http.StatusTooManyRequests:
		return c.place.failf(git.ErrRepository, "log in, or ask less often (--poll-interval)", "the server has had too many requests")
	}
	return c.place.failf(git.ErrRepository, "", "the server answers with status %d", code)
}

// explain dresses an error of talking to a server. What servers say is quoted
// only where it helps, shortened and without credentials.
func (c *client) explain(err error) error {
	var known *git.Error
	var answer *errcode.ErrorResponse
	var cert *tls.CertificateVerificationError
	var request *url.Error
	p := c.place
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return p.failf(git.ErrRepository, "check the network, or that the server is up", "no answer in time").Because(context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, git.ErrTooLarge), errors.Is(err, errdef.ErrSizeExceedsLimit), errors.Is(err, errdef.ErrTooManyPages):
		return p.failf(git.ErrTooLarge, "", "%s", beyond(git.ErrTooLarge, err))
	case errors.Is(err, git.ErrMalformed):
		return p.failf(git.ErrMalformed, "", "%s", beyond(git.ErrMalformed, err))
	case errors.Is(err, git.ErrAuth):
		return p.failf(git.ErrAuth, "check the repository's credentials", "%s", beyond(git.ErrAuth, err))
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return c.status(http.StatusUnauthorized)
	case errors.As(err, &answer):
		return c.status(answer.StatusCode)
	case errors.As(err, &cert):
		return p.failf(git.ErrAuth, "add the server's certificate authority to the TLS certificates", "%s", git.Plain(cert.Err))
	case errors.As(err, &request):
		return p.failf(git.ErrRepository, "", "%s", git.Plain(request.Err))
	}
	return p.failf(git.ErrRepository, "", "%s", git.Plain(err))
}

// beyond is what an error says besides its kind.
func beyond(kind, err error) string { return strings.TrimPrefix(git.Plain(err), kind.Error()+": ") }

// read reads a body of at most limit bytes. A server that ends its answer because
// we hang up has not said all, though it looks so.
func read(ctx context.Context, body io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%w: the server sends more than %d bytes", git.ErrTooLarge, limit)
	case err == nil:
		err = ctx.Err()
	}
	return data, err
}
