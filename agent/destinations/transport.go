package destinations

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/transport"
)

// idleConns is how many connections without a request are kept, of a server that does not
// speak HTTP/2.
const idleConns = 25

// dial makes a transport of its own for a cluster. None is shared, or kept anywhere: a
// connection that hangs is got rid of with its transport. Within is how long requests wait
// for an answer at most, which they are to say themselves. Ran, if not nil, is told of each
// program that was run.
func (l *login) dial(within time.Duration, ran func(code int, status string)) (http.RoundTripper, func(), error) {
	config := &transport.Config{
		TLS: transport.TLSConfig{
			Insecure: l.TLS.Insecure, ServerName: l.TLS.ServerName, CAData: l.ca, CertData: l.cert, KeyData: l.key,
		},
		DisableCompression: l.DisableCompression,
	}
	if l.Exec == nil {
		config.Username, config.Password, config.BearerToken = l.Username, l.Password, l.BearerToken
	}
	secure, err := transport.TLSConfigFor(config)
	if err != nil {
		return nil, nil, err
	}
	if secure == nil {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	proxy := http.ProxyFromEnvironment
	if l.proxy != nil {
		proxy = func(*http.Request) (*url.URL, error) { return l.proxy, nil }
	}
	base := utilnet.SetTransportDefaults(&http.Transport{
		Proxy: proxy, TLSClientConfig: secure, TLSHandshakeTimeout: 2 * within, MaxIdleConnsPerHost: idleConns,
		DialContext:        (&net.Dialer{Timeout: 2 * within, KeepAlive: within}).DialContext,
		DisableCompression: l.DisableCompression,
	})
	var rt http.RoundTripper = base
	if l.Exec != nil {
		p := newProgram(*l.Exec, base, base.CloseIdleConnections, ran)
		secure.GetClientCertificate = p.certificate
		rt = p
	}
	rt, err = transport.HTTPWrappersForConfig(config, rt)
	return rt, base.CloseIdleConnections, err
}
