package git

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"
)

// proxySchemes are the kinds of proxies, and their ports.
var proxySchemes = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// httpProxies chooses the proxy of a request.
func (c Credentials) httpProxies() (func(*http.Request) (*url.URL, error), error) {
	if empty(c.Proxy) {
		return http.ProxyFromEnvironment, nil
	}
	address := string(c.Proxy.Reveal())
	if err := checkProxy(address); err != nil {
		return nil, err
	}
	choose := (&httpproxy.Config{HTTPProxy: address, HTTPSProxy: address, NoProxy: c.NoProxy}).ProxyFunc()
	return func(req *http.Request) (*url.URL, error) { return choose(req.URL) }, nil
}

// checkProxy is strict, for the library takes a mistake for no proxy.
func checkProxy(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || proxySchemes[u.Scheme] == "" {
		return refuse("write http://, https:// or socks5:// and the proxy's host", "the proxy is not the URL of one")
	}
	return nil
}

// sshProxy returns the proxy for an ssh server, nil if there is none.
func (c Credentials) sshProxy(host, port string) (*url.URL, error) {
	config := httpproxy.Config{HTTPSProxy: string(c.Proxy.Reveal()), NoProxy: c.NoProxy}
	if config.HTTPSProxy == "" {
		env := httpproxy.FromEnvironment()
		config = httpproxy.Config{HTTPSProxy: first(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy")), NoProxy: env.NoProxy}
	}
	if config.HTTPSProxy == "" {
		return nil, nil
	}
	if err := checkProxy(config.HTTPSProxy); err != nil {
		return nil, err
	}
	return config.ProxyFunc()(&url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)})
}

func first(texts ...string) string {
	if i := slices.IndexFunc(texts, func(s string) bool { return s != "" }); i >= 0 {
		return texts[i]
	}
	return ""
}

// dialSSH connects to an ssh server, through its proxy if it has one.
func (c Credentials) dialSSH(ctx context.Context, host, port string) (net.Conn, error) {
	through, err := c.sshProxy(host, port)
	if err != nil {
		return nil, err
	}
	target := net.JoinHostPort(host, port)
	dialer := new(net.Dialer)
	if through == nil {
		return dialer.DialContext(ctx, "tcp", target)
	}
	at := net.JoinHostPort(through.Hostname(), first(through.Port(), proxySchemes[through.Scheme]))
	if through.Scheme == "socks5" || through.Scheme == "socks5h" {
		return dialSOCKS(ctx, at, through.User, target)
	}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy: %w", err)
	}
	if through.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: through.Hostname(), MinVersion: tls.VersionTLS12})
	}
	tunnel, err := connectThrough(ctx, conn, through.User, target)
	if err != nil {
		conn.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	return tunnel, nil
}

func dialSOCKS(ctx context.Context, at string, user *url.Userinfo, target string) (net.Conn, error) {
	var auth *proxy.Auth
	if user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", at, auth, nil)
	if err != nil {
		return nil, err
	}
	conn, err := dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, fmt.Errorf("connect through the proxy: %w", err)
	}
	return conn, nil
}

// connectThrough makes of a connection to a proxy one to the target (RFC 9110,
// 9.3.6). It gives up when ctx ends.
func connectThrough(ctx context.Context, conn net.Conn, user *url.Userinfo, target string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the proxy: %w", err)
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxAPI))
	res, err := http.ReadResponse(answer, req)
	if err != nil {
		return nil, fmt.Errorf("ask the proxy: %w", err)
	}
	defer res.Body.Close() // of a refusal; the answer that is good has none
	switch {
	case res.StatusCode == http.StatusProxyAuthRequired:
		return nil, refuse("put user and password into the proxy's URL", "the proxy asks for credentials, or does not accept those it got")
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the proxy answers with status %d", res.StatusCode)
	}
	early, err := answer.Peek(answer.Buffered())
	return &tunnel{conn, slices.Clone(early)}, err
}

// A tunnel is a connection of which some bytes were read already.
type tunnel struct {
	net.Conn
	early []byte
}

func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.early) > 0 {
		n := copy(p, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	return t.Conn.Read(p)
}
