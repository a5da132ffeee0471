package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"golang.org/x/sync/errgroup"
)

// frontVerbs are those of stories about what stands before other clusters.
var frontVerbs = []verb{
	{"guard NAME: put a server before a cluster that takes nobody without a certificate: ${NAME_SERVER}, ${NAME_CA}, ${NAME_CERT} and ${NAME_KEY}, a canary", 1, 1, (*scene).guard},
	{"proxy: start a proxy that takes robot and ${PROXY_PASSWORD}, a canary: ${PROXY}", 0, 0, (*scene).startProxy},
	{"proxied NAME: the proxy has carried connections to a cluster since the last time", 1, 1, (*scene).proxied},
}

// guard has a cluster be reached by a certificate in place of a token. What it lets in
// goes on as the agent's ServiceAccount.
func (s *scene) guard(args []string) error {
	name, other := args[0], s.others[args[0]]
	if other == nil {
		return fmt.Errorf("there is no cluster %s", name)
	}
	variable := strings.ToUpper(name)
	to, err := url.Parse(other.cluster.Config.Host)
	if err != nil {
		return err
	}
	vouched := x509.NewCertPool()
	if !vouched.AppendCertsFromPEM(other.cluster.Config.CAData) {
		return errors.New("the cluster has no certificate")
	}
	token := s.ts.Getenv(variable + "_TOKEN")
	cert, key, err := clientCertificate("tidelock")
	if err != nil {
		return err
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(cert)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: vouched, MinVersion: tls.VersionTLS12}},
		FlushInterval: -1, // watches are told at once
	})
	front.EnableHTTP2 = true
	front.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	s.fronts = append(s.fronts, func() { _ = front.Config.Close(); front.Close() })
	b64 := base64.StdEncoding.EncodeToString
	s.ts.Setenv(variable+"_SERVER", front.URL)
	s.ts.Setenv(variable+"_CA", b64(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})))
	s.ts.Setenv(variable+"_CERT", b64(cert))
	s.ts.Setenv(variable+"_KEY", b64(key))
	s.canaries = append(s.canaries, testenv.Canary{Name: "key for " + name, Text: secretOf(key)})
	return nil
}

// secretOf is what a key of clientCertificate shares with no other: of the bytes 36 to 67,
// its private number, those that are whole letters of its PEM.
func secretOf(key []byte) string {
	block, _ := pem.Decode(key)
	return base64.StdEncoding.EncodeToString(block.Bytes[36:66])
}

// clientCertificate makes one, signed by itself, with its key, in PEM.
func clientCertificate(name string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: plain}), nil
}

// A connectProxy carries what is asked for by CONNECT, for those who know the password.
type connectProxy struct {
	*httptest.Server
	login   string
	carried atomic.Pointer[string] // the address of the last connection
	running errgroup.Group
}

func (s *scene) startProxy([]string) error {
	if err := s.canary([]string{"PROXY_PASSWORD"}); err != nil {
		return err
	}
	p := &connectProxy{login: "robot:" + s.ts.Getenv("PROXY_PASSWORD")}
	p.Server = httptest.NewServer(p)
	s.connects = p
	s.fronts = append(s.fronts, func() { p.Close(); _ = p.running.Wait() })
	through := url.URL{Scheme: "http", User: url.UserPassword("robot", s.ts.Getenv("PROXY_PASSWORD")), Host: p.Listener.Addr().String()}
	s.ts.Setenv("PROXY", through.String())
	return nil
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.login)) {
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	far, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "it cannot be reached", http.StatusBadGateway)
		return
	}
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n") // the copy sees the error
	p.carried.Store(&r.Host)
	p.carry(near, far, buffered)
}

// carry carries what either side says, until one of them ends.
func (p *connectProxy) carry(near, far net.Conn, from io.Reader) {
	ctx, end := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() { _ = near.Close(); _ = far.Close() })
	p.running.Go(func() error {
		defer end()
		_, _ = io.Copy(far, from)
		return nil
	})
	p.running.Go(func() error {
		defer end()
		_, _ = io.Copy(near, far)
		return nil
	})
}

func (s *scene) proxied(args []string) error {
	want := strings.TrimPrefix(s.ts.Getenv(strings.ToUpper(args[0])+"_SERVER"), "https://")
	carried := s.connects.carried.Swap(nil)
	if carried == nil || *carried != want {
		return fmt.Errorf("the proxy has carried nothing to %s", want)
	}
	return nil
}
