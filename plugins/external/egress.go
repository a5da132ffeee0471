package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/Azure/go-ntlmssp"
	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/provider/webhook"
)

// Whoever may write a SecretStore chooses what this process connects to, and
// reads the answer in a Secret. So there are addresses that it connects to for
// nobody: this machine's own, and those that only a node may ask, where clouds
// give out the node's credentials.

// loopbackFlag allows the first of these, for stores that are tried on the
// machine itself.
const loopbackFlag = "--allow-loopback"

// allowLoopback is set once, by main.
var allowLoopback bool

// metadataAddrs are the addresses of clouds' metadata services that are not
// link-local.
var metadataAddrs = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"),
}

// errForbidden is why an address is not connected to.
var errForbidden = errors.New("not connected to from here: it is this machine, or its network's own service")

func checkAddr(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	switch {
	case addr.IsLoopback() && allowLoopback:
		return nil
	case addr.IsLoopback(), addr.IsUnspecified(), addr.IsMulticast(), addr.IsLinkLocalUnicast(), slices.Contains(metadataAddrs, addr):
		return fmt.Errorf("%s: %w", addr, errForbidden)
	}
	return nil
}

// dialer checks the address that it connects to, whatever the name was that led
// to it.
func dialer() *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return checkAddr(to.Addr())
	}}
}

// checkURL checks an address that a store states. A name that does not resolve
// is left to the provider, which says so.
func checkURL(ctx context.Context, field, text string, schemes ...string) error {
	at, err := url.Parse(text)
	if err != nil || at.Host == "" || !slices.Contains(schemes, at.Scheme) {
		return fmt.Errorf("spec.provider.%s: it must be an address that starts with %s://", field, strings.Join(schemes, ":// or "))
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", at.Hostname())
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	for _, addr := range addrs {
		if err := checkAddr(addr); err != nil {
			return fmt.Errorf("spec.provider.%s: %s is %w", field, at.Hostname(), err)
		}
	}
	return nil
}

// checkWebhookURL wants the host stated: an ExternalSecret must not choose, by
// its remoteRef, who gets the store's credentials.
func checkWebhookURL(ctx context.Context, text string) error {
	const field = "webhook.url"
	stated, _, templated := strings.Cut(text, "{{")
	if _, rest, ok := strings.Cut(stated, "://"); templated && (!ok || !strings.ContainsAny(rest, "/?")) {
		return fmt.Errorf("spec.provider.%s: the host must be stated, only what follows it may be a template", field)
	}
	return checkURL(ctx, field, stated, "https", "http")
}

// confine makes the webhook provider, whose client is its own, follow no
// redirects and check what it connects to.
func confine(opened esv1.SecretsClient) error {
	if _, ok := opened.(*webhook.WebHook); !ok {
		return nil
	}
	field := reflect.ValueOf(opened).Elem().FieldByName("wh").FieldByName("HTTP")
	if field.Type() != reflect.TypeFor[*http.Client]() {
		return fmt.Errorf("the provider webhook has a %s for a client", field.Type())
	}
	client := (*http.Client)(field.UnsafePointer())
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	switch transport := client.Transport.(type) {
	case nil: // the default one, which prepare has confined
		return nil
	case *http.Transport:
		transport.DialContext = dialer().DialContext
		return nil
	case *ntlmssp.Negotiator:
		if transport, ok := transport.RoundTripper.(*http.Transport); ok {
			transport.DialContext = dialer().DialContext
			return nil
		}
	}
	return fmt.Errorf("the provider webhook has a %T for a transport", client.Transport)
}
