//go:debug x509usefallbackroots=1
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// clouds stands for the internet: a proxy that all requests to other machines
// take, whose end is a server with a certificate for every name. A name that no
// test serves is refused, and fails the test that asked for it.
//
// So providers run as they are, with the addresses and the TLS that they use.
var clouds = &internet{hosts: map[string]http.Handler{}}

type internet struct {
	mu      sync.Mutex // guards the fields below
	hosts   map[string]http.Handler
	unknown []string
	conns   chan net.Conn
}

// serve answers for a host while the test runs.
func (c *internet) serve(t *testing.T, host string, handler http.Handler) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[host] = handler
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.hosts, host)
		if len(c.unknown) > 0 {
			t.Errorf("these were asked, too: %v", c.unknown)
			c.unknown = nil
		}
	})
}

// open starts it, and makes this process use it.
func (c *internet) open() error {
	root, issue, err := authority()
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(root)
	x509.SetFallbackRoots(trusted) // by the directive above, instead of the system's
	c.conns = make(chan net.Conn)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	quiet := log.New(io.Discard, "", 0)
	go func() { _ = (&http.Server{Handler: http.HandlerFunc(c.connect), ErrorLog: quiet}).Serve(proxy) }() // to the end of the process
	server := &http.Server{
		Handler: http.HandlerFunc(c.answer), ErrorLog: quiet,
		TLSConfig: &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return issue(hello.ServerName) }},
	}
	go func() { _ = server.ServeTLS(tunnels{c.conns}, "", "") }()
	return os.Setenv("HTTPS_PROXY", "http://"+proxy.Addr().String())
}

func (c *internet) find(host string) http.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	if handler := c.hosts[host]; handler != nil {
		return handler
	}
	c.unknown = append(c.unknown, host)
	return nil
}

// connect is the proxy.
func (c *internet) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || c.find(host) == nil {
		http.Error(w, "there is no "+r.Host, http.StatusBadGateway)
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil || buffered.Reader.Buffered() > 0 {
		return
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	c.conns <- conn
}

func (c *internet) answer(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if handler := c.find(host); handler != nil && host == r.TLS.ServerName {
		handler.ServeHTTP(w, r)
		return
	}
	http.Error(w, "misdirected", http.StatusMisdirectedRequest)
}

// tunnels is a listener over what connect hands on.
type tunnels struct{ conns chan net.Conn }

func (l tunnels) Accept() (net.Conn, error) { return <-l.conns, nil }
func (tunnels) Close() error                { return nil }
func (tunnels) Addr() net.Addr              { return &net.TCPAddr{} }

// authority makes a CA, and certificates for any name.
func authority() (ca *x509.Certificate, issue func(name string) (*tls.Certificate, error), err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
	}
	root := template("test")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage, root.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	issue = func(name string) (*tls.Certificate, error) {
		leaf := template(name)
		leaf.DNSNames = []string{name}
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}
	ca, err = x509.ParseCertificate(der)
	return ca, issue, err
}
