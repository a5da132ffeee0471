package git

import (
	"bufio"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/errgroup"
)

// A fakeProxy leads every name to one server, and admits bob with hunter22. What
// it is asked for only it can resolve.
type fakeProxy struct {
	target string
	used   atomic.Int32
}

// join copies in both directions until one side has enough.
func (p *fakeProxy) join(client net.Conn, early io.Reader) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	var both errgroup.Group
	both.Go(func() error { defer server.Close(); _, err := io.Copy(server, early); return err })
	both.Go(func() error { defer client.Close(); _, err := io.Copy(client, server); return err })
	_ = both.Wait()
}

// serveHTTP takes CONNECT, and requests for http.
func (p *fakeProxy) serveHTTP(t *testing.T) string {
	return listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}).BasicAuth()
		if user != "bob" || password != "hunter22" {
			_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
			return
		}
		p.used.Add(1)
		if req.Method == http.MethodConnect {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			p.join(conn, in)
			return
		}
		req.Header.Del("Proxy-Authorization")
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			return
		}
		defer server.Close()
		req.Close = true
		if req.Write(server) == nil {
			_, _ = io.Copy(conn, server)
		}
	})
}

// serveSOCKS is RFC 1928 with RFC 1929, for names.
func (p *fakeProxy) serveSOCKS(t *testing.T) string {
	return listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		block := func(n int) []byte { b := make([]byte, n); _, _ = io.ReadFull(in, b); return b }
		block(int(block(2)[1]))
		_, _ = conn.Write([]byte{5, 2})
		user := string(block(int(block(2)[1])))
		password := string(block(int(block(1)[0])))
		if user != "bob" || password != "hunter22" {
			_, _ = conn.Write([]byte{1, 1})
			return
		}
		_, _ = conn.Write([]byte{1, 0})
		if head := block(4); head[3] != 3 { // an address would have been resolved by who asks
			return
		}
		block(int(block(1)[0]))
		_ = binary.BigEndian.Uint16(block(2))
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		p.used.Add(1)
		p.join(conn, in)
	})
}

func TestProxy(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	web := u.serve("", "")
	secure := httptest.NewUnstartedServer(web.Config.Handler)
	t.Cleanup(secure.Close)
	secure.StartTLS() // for example.com
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	host, _ := newKey(t)
	user, private := newKey(t)
	address := u.serveSSH(t, host, user.PublicKey())
	known := knownhosts.Line([]string{"git.example.com:2222"}, host.PublicKey())
	key := secrets.New(private)

	for _, tt := range []struct {
		name, url, target string
		credentials       Credentials
	}{
		{"http", "http://git.example.com/shop.git", strings.TrimPrefix(web.URL, "http://"), Credentials{}},
		{"https", "https://example.com/shop.git", strings.TrimPrefix(secure.URL, "https://"), Credentials{CA: ca}},
		{"ssh", "ssh://git@git.example.com:2222/shop.git", address, Credentials{SSHPrivateKey: key, KnownHosts: known}},
	} {
		p := &fakeProxy{target: tt.target}
		ways := map[string]string{"http": p.serveHTTP(t), "socks5": p.serveSOCKS(t)}
		for scheme, at := range ways {
			t.Run(tt.name+" by "+scheme, func(t *testing.T) {
				p.used.Store(0)
				with := func(proxy, noProxy string) (string, error) {
					c := tt.credentials
					c.Proxy, c.NoProxy = secrets.New([]byte(proxy)), noProxy
					s := newStore(t, Options{})
					repo := Repo{URL: tt.url, Credentials: c}
					sha, err := s.Resolve(t.Context(), repo, "main")
					if err == nil {
						_ = tree(t, s, repo, sha)
					}
					return sha, err
				}
				if sha, err := with(scheme+"://bob:hunter22@"+at, "other.example.org"); sha != first || p.used.Load() == 0 {
					t.Errorf("got %s, %v, proxy used %d times", sha, err, p.used.Load())
				}
				if _, err := with(scheme+"://bob:hunter23@"+at, ""); err == nil || strings.Contains(err.Error(), "hunter") {
					t.Errorf("wrong password: %v", err)
				}
				p.used.Store(0)
				if _, err := with(scheme+"://bob:hunter22@"+at, "example.com"); err == nil || p.used.Load() > 0 {
					t.Errorf("noProxy: %v, proxy used %d times", err, p.used.Load())
				}
			})
		}
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	host, _ := newKey(t)
	user, private := newKey(t)
	p := &fakeProxy{target: u.serveSSH(t, host, user.PublicKey())}
	t.Setenv("ALL_PROXY", "http://bob:hunter22@"+p.serveHTTP(t))
	s := newStore(t, Options{})
	repo := Repo{URL: "ssh://git@git.example.com/shop.git", Credentials: Credentials{
		SSHPrivateKey: secrets.New(private), KnownHosts: knownhosts.Line([]string{"git.example.com"}, host.PublicKey()),
	}}
	if sha := resolve(t, s, repo, "main"); sha != first || p.used.Load() == 0 {
		t.Errorf("got %s, proxy used %d times", sha, p.used.Load())
	}
}

func TestProxyThatIsNone(t *testing.T) {
	for _, proxy := range []string{"proxy.example.com", "ftp://proxy.example.com", "http://", "http://bob:hunter22@proxy:port", "socks4://p"} {
		for _, url := range []string{"https://git.example.com/shop", "ssh://git@git.example.com/shop"} {
			c := Credentials{Proxy: secrets.New([]byte(proxy)), InsecureIgnoreHostKey: true}
			_, private := newKey(t)
			if strings.HasPrefix(url, "ssh") {
				c.SSHPrivateKey = secrets.New(private)
			}
			_, err := newStore(t, Options{}).Resolve(t.Context(), Repo{URL: url, Credentials: c}, "")
			if !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), "the proxy is not the URL of one") || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s by %q: %v", url, proxy, err)
			}
		}
	}
}
