package destinations

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A guard is a server that tells who asks, by whatever they show.
type guard struct {
	*httptest.Server
	asked []string
	wants string // what Authorization has to be, "" if anything
}

func newGuard(t *testing.T) *guard {
	g := &guard{}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.Header.Get("Authorization")
		if len(r.TLS.PeerCertificates) > 0 {
			who += " certificate of " + r.TLS.PeerCertificates[0].Subject.CommonName
		}
		if g.asked = append(g.asked, who); g.wants != "" && who != g.wants {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"gitVersion": "v1.37.2"}`)
	}))
	g.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	g.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

// config is a Secret's config with the server's authority and more.
func (g *guard) config(t *testing.T, more map[string]any, tlsMore map[string]string) string {
	t.Helper()
	ofTLS := map[string]string{"caData": base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw}))}
	for key, value := range tlsMore {
		ofTLS[key] = value
	}
	all := map[string]any{"tlsClientConfig": ofTLS}
	for key, value := range more {
		all[key] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// identity is a certificate with its key, in PEM.
func identity(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// Each way in is taken.
func TestLogins(t *testing.T) {
	cert, key := identity(t, "robot")
	pair := map[string]string{"certData": base64.StdEncoding.EncodeToString(cert), "keyData": base64.StdEncoding.EncodeToString(key)}
	for _, tt := range []struct {
		name string
		more map[string]any
		tls  map[string]string
		want string
	}{
		{"nobody", nil, nil, ""},
		{"token", map[string]any{"bearerToken": "sesame"}, nil, "Bearer sesame"},
		{"password", map[string]any{"username": "bob", "password": "sesame"}, nil, "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:sesame"))},
		{"certificate", nil, pair, " certificate of robot"},
		{"token and certificate", map[string]any{"bearerToken": "sesame"}, pair, "Bearer sesame certificate of robot"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t)
			version, err := Ask(t.Context(), secretOf("eu", g.URL, g.config(t, tt.more, tt.tls)), nil, time.Minute)
			if err != nil || version != "1.37.2" || len(g.asked) != 1 || g.asked[0] != tt.want {
				t.Errorf("%q, %v, asked as %q, want %q", version, err, g.asked, tt.want)
			}
		})
	}
}

// A server that nobody vouches for is not talked to.
func TestUntrusted(t *testing.T) {
	g := newGuard(t)
	_, err := Ask(t.Context(), secretOf("eu", g.URL, `{"bearerToken": "sesame"}`), nil, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") || len(g.asked) > 0 {
		t.Errorf("asked as %q: %v", g.asked, err)
	}
}

// The proxy of a Secret is taken, and its password is told to nobody else.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	through := strings.Replace(proxy.URL, "http://", "http://bob:"+planted+"@", 1)
	_, err := Ask(t.Context(), secretOf("eu", "https://eu.example:6443", `{"proxyUrl": "`+through+`"}`), nil, time.Minute)
	want := "CONNECT eu.example:6443 Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+planted))
	if err == nil || strings.Contains(err.Error(), planted) || len(asked) != 1 || asked[0] != want {
		t.Errorf("asked %q: %v", asked, err)
	}
}

// program is a script that logs in.
func programOf(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "login")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A program logs in, with none of the agent's environment, and is asked anew when its
// token is refused.
func TestProgram(t *testing.T) {
	t.Setenv("AGENTS_SECRET", planted)
	count := filepath.Join(t.TempDir(), "count")
	path := programOf(t, `
test -z "$AGENTS_SECRET" || exit 1
case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 2;; esac
echo x >> `+count+`
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "'$1-$MORE-$(wc -l < `+count+` | tr -d " ")'"}}'
`)
	g := newGuard(t)
	config := g.config(t, map[string]any{"execProviderConfig": map[string]any{"command": path, "args": []string{"a"}, "env": map[string]string{"MORE": "b"}}}, nil)
	secret := secretOf("eu", g.URL, config)
	login, err := readSecret(&secret, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	rt, idle, err := login.dial(time.Minute, func(code int, status string) { ran = append(ran, fmt.Sprint(code, " ", status)) })
	if err != nil {
		t.Fatal(err)
	}
	defer idle()
	for _, want := range []int{200, 200, 401, 200} {
		g.wants = map[int]string{401: "Bearer a-b-2"}[want]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := rt.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d, want %d", response.StatusCode, want)
		}
	}
	if got, want := strings.Join(g.asked, ", "), "Bearer a-b-1, Bearer a-b-1, Bearer a-b-1, Bearer a-b-2"; got != want {
		t.Errorf("asked as %s, want %s", got, want)
	}
	if got := strings.Join(ran, ", "); got != "0 no_error, 0 no_error" {
		t.Errorf("told of the programs %s", got)
	}
}

// Who waits for what another has had a program run for does not for longer than it may.
func TestProgramWaits(t *testing.T) {
	dir := t.TempDir()
	path := programOf(t, `echo x >> `+dir+`/begun
while [ ! -e `+dir+`/go ]; do sleep 0.05; done
echo '{"kind": "ExecCredential", "status": {"token": "a"}}'
`)
	p := newProgram(execConfig{Command: path}, nil, func() {}, nil)
	first := make(chan error)
	go func() {
		token, err := p.credential(t.Context())
		if err == nil && token != "a" {
			err = fmt.Errorf("the token is %q", token)
		}
		first <- err
	}()
	for {
		if _, err := os.Stat(dir + "/begun"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := p.credential(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("who cannot wait gets %v", err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	begun, err := os.ReadFile(dir + "/begun")
	if token, known := p.current(); err != nil || string(begun) != "x\n" || token != "a" || !known {
		t.Errorf("it was run %d times, and %q is known (%t)", len(begun)/2, token, known)
	}
}

// A program may give a certificate.
func TestProgramCertificate(t *testing.T) {
	cert, key := identity(t, "robot")
	printed, err := json.Marshal(map[string]any{"kind": "ExecCredential", "status": map[string]string{"clientCertificateData": string(cert), "clientKeyData": string(key)}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "printed")
	if err := os.WriteFile(file, printed, 0o600); err != nil {
		t.Fatal(err)
	}
	path := programOf(t, "cat "+file)
	g := newGuard(t)
	config := g.config(t, map[string]any{"execProviderConfig": map[string]any{"command": path}}, nil)
	if _, err := Ask(t.Context(), secretOf("eu", g.URL, config), []string{path}, time.Minute); err != nil || g.asked[0] != " certificate of robot" {
		t.Errorf("asked as %q: %v", g.asked, err)
	}
}

// What a program does wrong is said, and not what it says.
func TestProgramFails(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"it fails", "echo " + planted + " >&2; exit 3", "exit status 3"},
		{"it prints nothing", "true", "it prints no ExecCredential with a status"},
		{"it prints no credential", "echo '{\"kind\": \"ExecCredential\", \"status\": {}}'", "it prints neither a token nor a certificate"},
		{"it prints something else", "echo " + planted, "it prints no ExecCredential with a status"},
		{"it prints without end", "yes " + planted + " | head -c 3000000", "it prints more than 1048576 bytes"},
		{"it hangs", "sleep 600", "no answer within 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, timeout := programOf(t, tt.script), time.Minute
			if tt.name == "it hangs" {
				timeout = time.Second
			}
			config := fmt.Sprintf(`{"execProviderConfig": {"command": %q}}`, path)
			_, err := Ask(t.Context(), secretOf("eu", "https://127.0.0.1:1", config), []string{path}, timeout)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), planted) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
