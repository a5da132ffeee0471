package git

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// newHTTP returns a transport for one repository over http(s).
func newHTTP(c Credentials, limits serverLimits) (transport.Transport, error) {
	base, err := c.transport()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &limited{base, limits}, CheckRedirect: sameHost}
	return githttp.NewClientWithOptions(client, nil), nil
}

// transport reaches servers as the repository's owner says.
func (c Credentials) transport() (*http.Transport, error) {
	config, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = config
	base.Proxy, err = c.httpProxies()
	return base, err
}

// client is for what a repository needs besides Git, such as tokens. It follows
// no redirects. What weakens or extends TLS is for the repository's own host only.
func (c Credentials) client(own bool) (*http.Client, error) {
	if !own {
		c.InsecureSkipTLS, c.ClientCert = false, nil
	}
	base, err := c.transport()
	if err != nil {
		return nil, err
	}
	base.DisableKeepAlives = true // few requests, far between
	return &http.Client{Transport: base, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func tlsConfig(c Credentials) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.InsecureSkipTLS} //nolint:gosec // as the repository's owner says
	if len(c.CA) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(c.CA) {
			return nil, refuse("correct it", "the certificate authority is not PEM")
		}
		config.RootCAs = roots
	}
	if len(c.ClientCert) > 0 {
		pair, err := tls.X509KeyPair(c.ClientCert, c.ClientKey.Reveal())
		if err != nil {
			return nil, refuse("give both in PEM", "the client certificate and key do not fit")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// sameHost refuses redirects to another host: neither credentials nor our
// network position are lent to wherever a server points. go-git refuses what
// else is wrong with a redirect: a step down from https, or one of a POST.
func sameHost(next *http.Request, via []*http.Request) error {
	if first := via[0].URL; !strings.EqualFold(first.Hostname(), next.URL.Hostname()) {
		return fmt.Errorf("redirected to another host (%s), which is not followed; use that address", next.URL.Hostname())
	}
	return nil
}

// serverLimits bound what a server may send in one answer.
type serverLimits struct {
	refs int64 // bytes of the list of references
	pack int64 // bytes of a pack
}

// limited cuts answers off that are too long.
type limited struct {
	next   http.RoundTripper
	limits serverLimits
}

func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit := l.limits.refs
	switch {
	case res.StatusCode != http.StatusOK:
		// go-git puts all of it into an error.
		res.Body = &cut{res.Body, io.LimitReader(res.Body, 4<<10)}
		return res, nil
	case req.Method == http.MethodPost:
		limit = l.limits.pack
	}
	res.Body = &cut{res.Body, atMost(res.Body, limit)}
	return res, nil
}

// A cut reads from one reader and closes another.
type cut struct {
	io.Closer
	io.Reader
}

// atMost fails with ErrTooLarge beyond limit bytes.
func atMost(r io.Reader, limit int64) io.Reader {
	return &bounded{r, limit, limit}
}

type bounded struct {
	r           io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("%w: the server sends more than %d bytes", ErrTooLarge, b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 && (err == nil || errors.Is(err, io.EOF)) {
		return n, nil // the next call says it
	}
	return n, err
}
