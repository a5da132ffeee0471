package sops

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keys"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	"github.com/tidelock-io/tidelock/plugins/sops/reach"
)

// askVault has Vault's transit engine decrypt.
func askVault(ctx context.Context, login sdk.Key, recipient keys.MasterKey) ([]byte, error) {
	key := *recipient.(*hcvault.MasterKey)
	at, err := permitVault(login, key.VaultAddress, key.EnginePath, key.KeyName)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(string(login.Material))
	if token == "" {
		return nil, nof("the token is empty")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	only, err := onlyTo(at, login, stop)
	if err != nil {
		return nil, err
	}
	defer only.CloseIdleConnections()
	key.VaultAddress = at.String()
	hcvault.Token(token).ApplyToMasterKey(&key)
	hcvault.NewHTTPClient(only).ApplyToMasterKey(&key)
	part, err := key.DecryptContext(ctx)
	if errors.Is(context.Cause(ctx), errElsewhere) {
		return nil, nof("it redirects to another address, where the token may not go")
	}
	return part, err
}

var errElsewhere = errors.New("another address")

// only is a transport to one address. Vault's client would follow a redirect, with
// the token.
type only struct {
	*http.Transport
	at        *url.URL
	namespace string
	stop      context.CancelCauseFunc // of the call: its client would try again
}

// RoundTrip refuses every other address.
func (o *only) RoundTrip(req *http.Request) (*http.Response, error) {
	if to, err := reach.Origin(req.URL.Scheme + "://" + req.URL.Host); err != nil || *to != *o.at {
		o.stop(errElsewhere)
		return nil, errElsewhere
	}
	if o.namespace != "" {
		req = req.Clone(req.Context())
		req.Header.Set("X-Vault-Namespace", o.namespace)
	}
	return o.Transport.RoundTrip(req)
}

// onlyTo returns a client that speaks to one address, and trusts whom the login
// says.
func onlyTo(at *url.URL, login sdk.Key, stop context.CancelCauseFunc) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := login.Settings[open.CA]; ca != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(ca)) {
			return nil, nof("the entry sops.vault-ca holds no certificate in PEM")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: &only{transport, at, login.Settings[open.Namespace], stop}}, nil
}
