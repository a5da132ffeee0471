package forge

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A place says where an API is, and how its server is trusted.
type place struct {
	product  string
	address  string // as the generator has it
	standard string // what it is without one
	suffix   func(*url.URL) string
	insecure bool
	ca       *api.ConfigMapRef
}

// connect makes a server of a place.
func (a *Answers) connect(ctx context.Context, p place) (*server, error) {
	base, err := a.forge.base(p)
	if err != nil {
		return nil, err
	}
	if a.Permit != nil {
		if err := a.Permit(base, p.address != ""); err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
	}
	s := &server{product: p.product, base: base, options: a.forge.options, accept: "application/json"}
	transport := a.forge.shared
	if p.insecure || p.ca != nil {
		transport, s.own = newTransport(), true
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: p.insecure} //nolint:gosec // as the generator says
		if p.ca != nil {
			if transport.TLSClientConfig.RootCAs, err = a.authorities(ctx, p.ca); err != nil {
				return nil, err
			}
		}
	}
	s.client = a.forge.client(transport, a.forge.options.Timeout)
	return s, nil
}

// client follows redirects within one server only.
func (f *Forge) client(transport http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: sameServer}
}

var errRedirect = errors.New("it redirects to another server, which is not asked; write its address")

func sameServer(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case next.URL.Scheme != first.Scheme || !strings.EqualFold(next.URL.Host, first.Host):
		return errRedirect
	case len(via) >= 5:
		return errors.New("it redirects again and again")
	}
	return nil
}

// base is the address that paths are put behind.
func (f *Forge) base(p place) (*url.URL, error) {
	u, err := addressOf(cmp.Or(p.address, p.standard))
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if hosts := f.options.Hosts; len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, u.Host) }) {
		return nil, fmt.Errorf("api: %s is not among the servers that the administrator lets generators ask: %s", u.Host, strings.Join(hosts, ", "))
	}
	u.Path = strings.TrimRight(u.Path, "/") + p.suffix(u)
	return u, nil
}

// addressOf reads the address of a server. It is not repeated, for it may have a
// password in it.
func addressOf(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("it is no address such as https://git.example.com")
	case u.User != nil:
		return nil, errors.New("the address has a user in it: give a token in a Secret")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address has a query in it")
	}
	return u, nil
}

// authorities are those of a ConfigMap's item, and those of the machine.
func (a *Answers) authorities(ctx context.Context, ref *api.ConfigMapRef) (*x509.CertPool, error) {
	data, err := a.own.ConfigMap(ctx, ref.ConfigMapName)
	if err != nil {
		return nil, fmt.Errorf("caRef: %w", err)
	}
	text, ok := data[ref.Key]
	if !ok {
		return nil, fmt.Errorf("caRef: ConfigMap %s has no key %s", ref.ConfigMapName, ref.Key)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(text)) {
		return nil, fmt.Errorf("caRef: key %s of ConfigMap %s is no certificate in PEM", ref.Key, ref.ConfigMapName)
	}
	return roots, nil
}

// token gives a server the one of a reference; none is fine.
func (a *Answers) token(ctx context.Context, s *server, ref *api.SecretRef) error {
	if ref == nil {
		return nil
	}
	items, err := a.own.Secret(ctx, ref.SecretName)
	if err != nil {
		return fmt.Errorf("tokenRef: %w", err)
	}
	value, ok := items[ref.Key]
	if !ok || value.Len() == 0 {
		return fmt.Errorf("tokenRef: Secret %s has no key %s", ref.SecretName, ref.Key)
	}
	s.token, s.secret = value, "Secret "+ref.SecretName
	return nil
}

// newTransport reaches servers, but for what is on a machine's own link: clouds give
// credentials away there.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: notOfTheLink}
	t.DialContext = dialer.DialContext
	t.MaxResponseHeaderBytes = 1 << 20
	t.MaxIdleConnsPerHost = atOnce
	return t
}

func notOfTheLink(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s is no address: %w", address, err)
	}
	if ip := at.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%s is an address of the machine's own link, where no server is asked", ip)
	}
	return nil
}
