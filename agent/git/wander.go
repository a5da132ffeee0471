package git

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

// maxHops is how many redirects a download may take.
const maxHops = 3

// metadata are services of clouds that answer whoever is on the machine, outside
// of the networks that are for links only.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// wanderer is a client for what a server says is elsewhere, such as in an object
// store. It goes there with nothing of ours: own is the host that TLS settings of
// the repository are for. Nor does it go where only this machine may: a server
// must not use us to talk to what listens here.
func (c Credentials) wanderer(own func(*url.URL) bool) (*http.Client, error) {
	home, err := c.client(true)
	if err != nil {
		return nil, err
	}
	away, err := c.client(false)
	if err != nil {
		return nil, err
	}
	there := away.Transport.(*http.Transport)
	proxies := there.Proxy
	there.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := &net.Dialer{Control: elsewhere}
		if isProxy(ctx) {
			dialer.Control = nil
		}
		return dialer.DialContext(ctx, network, address)
	}
	return &http.Client{CheckRedirect: hop, Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		if own(req.URL) {
			return home.Transport.RoundTrip(req)
		}
		if through, err := proxies(req); err != nil || through != nil {
			req = req.WithContext(context.WithValue(req.Context(), throughProxy{}, true))
		}
		return there.RoundTrip(req)
	})}, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// throughProxy marks the context of a request that a proxy is to answer for.
type throughProxy struct{}

func isProxy(ctx context.Context) bool { return ctx.Value(throughProxy{}) != nil }

// hop follows a redirect without what was for the first host.
func hop(next *http.Request, via []*http.Request) error {
	last := via[len(via)-1].URL
	if len(via) > maxHops || last.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("a redirect that is not followed")
	}
	if !sameOrigin(next.URL, via[0].URL) {
		next.Header = http.Header{} //nolint:gosec // it propagates none
	}
	return nil
}

// elsewhere refuses to connect to this machine, and to what is only there for it.
func elsewhere(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
		return fmt.Errorf("the server points to %s, which is not followed", ip)
	}
	for _, m := range metadata {
		if ip == m {
			return fmt.Errorf("the server points to %s, which is not followed", ip)
		}
	}
	return nil
}
