package doubles

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// Azure is Key Vault and Entra's login in one, with one key and one client. It has
// Microsoft's own names, which its clients insist on: they reach it by a proxy.
type Azure struct {
	Log
	// Proxy is the address to put into HTTPS_PROXY.
	Proxy string
	// Authority is the file of the certificate that it shows.
	Authority string
	// Version is that of the key "sops".
	Version string

	t             testing.TB
	key           *rsa.PrivateKey
	secret, token string
}

const (
	// AzureVault is the address of the double's Key Vault.
	AzureVault = "https://shop.vault.azure.net"

	azureLogin  = "login.microsoftonline.com"
	azureClient = "11111111-2222-3333-4444-555555555555"
	azureTenant = "66666666-7777-8888-9999-aaaaaaaaaaaa"
)

// NewAzure starts it.
func NewAzure(t testing.TB) *Azure {
	a := &Azure{Version: hex.EncodeToString(random(t, 16)), t: t, secret: hex.EncodeToString(random(t, 16)), token: "eyJ." + hex.EncodeToString(random(t, 20)) + ".x"}
	var err error
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(a)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.certificate()}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	a.Proxy = proxy.URL
	return a
}

// certificate is for Microsoft's names, and signs itself.
func (a *Azure) certificate() tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"*.vault.azure.net", azureLogin, "login.microsoft.com"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.Authority = filepath.Join(a.t.TempDir(), "authority.pem")
	if err := os.WriteFile(a.Authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// tunnel is a proxy that leads to one address, whatever is asked for.
type tunnel string

func (to tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "a tunnel", http.StatusMethodNotAllowed)
		return
	}
	there, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", string(to))
	if err != nil {
		http.Error(w, "nobody is there", http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	var g errgroup.Group
	g.Go(func() error { _, err := io.Copy(there, buffered); there.Close(); return err })
	g.Go(func() error { _, err := io.Copy(here, there); here.Close(); return err })
	_ = g.Wait() // one of the two hung up
}

// Credentials are those of a service principal, as Flux's Secrets have them.
func (a *Azure) Credentials() string {
	return fmt.Sprintf("tenantId: %s\nclientId: %s\nclientSecret: %s\n", azureTenant, azureClient, a.secret)
}

// Environment are those, as variables of Azure's own libraries.
func (a *Azure) Environment() []string {
	return []string{"AZURE_TENANT_ID=" + azureTenant, "AZURE_CLIENT_ID=" + azureClient, "AZURE_CLIENT_SECRET=" + a.secret}
}

// Encrypt does what Key Vault does, for files that tests make.
func (a *Azure) Encrypt(plain []byte) string {
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &a.key.PublicKey, plain, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// ServeHTTP is the login, and Key Vault.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant := "https://" + azureLogin + "/" + azureTenant
	switch {
	case strings.HasSuffix(r.Host, ".vault.azure.net"):
		a.vault(w, r)
	case r.URL.Path == "/common/discovery/instance":
		answer(a.t, w, "application/json", http.StatusOK, map[string]any{"tenant_discovery_endpoint": tenant + "/v2.0/.well-known/openid-configuration", "metadata": []any{}})
	case r.URL.Path == "/"+azureTenant+"/v2.0/.well-known/openid-configuration":
		answer(a.t, w, "application/json", http.StatusOK, map[string]string{
			"token_endpoint": tenant + "/oauth2/v2.0/token", "authorization_endpoint": tenant + "/oauth2/v2.0/authorize", "issuer": tenant + "/v2.0",
		})
	case r.URL.Path == "/"+azureTenant+"/oauth2/v2.0/token":
		a.logIn(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (a *Azure) logIn(w http.ResponseWriter, r *http.Request) {
	status := a.note("login")
	good := r.FormValue("grant_type") == "client_credentials" && r.FormValue("client_id") == azureClient && r.FormValue("client_secret") == a.secret &&
		strings.Contains(r.FormValue("scope"), "https://vault.azure.net/.default")
	switch {
	case status != 0:
		answer(a.t, w, "application/json", status, map[string]string{"error": "temporarily_unavailable"})
	case !good:
		answer(a.t, w, "application/json", http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "AADSTS7000215"})
	default:
		answer(a.t, w, "application/json", http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": a.token})
	}
}

// azureCall is encrypt or decrypt. Bytes are base64 for addresses.
type azureCall struct {
	Algorithm string `json:"alg"`
	Value     string `json:"value"`
}

func (a *Azure) vault(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code string) {
		answer(a.t, w, "application/json", status, map[string]any{"error": map[string]string{"code": code, "message": "no"}})
	}
	key, operation := "/keys/sops/"+a.Version, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if r.Header.Get("Authorization") == "" {
		// How clients learn where to log in.
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer authorization=%q, resource=%q", "https://"+azureLogin+"/"+azureTenant, "https://vault.azure.net"))
		fail(http.StatusUnauthorized, "Unauthorized")
		return
	}
	if status := a.note(operation); status != 0 {
		fail(status, "Throttled")
		return
	}
	var call azureCall
	switch {
	case r.Header.Get("Authorization") != "Bearer "+a.token:
		fail(http.StatusUnauthorized, "Unauthorized")
	case r.Method != http.MethodPost || r.URL.Query().Get("api-version") == "" || r.URL.Path != key+"/"+operation:
		fail(http.StatusNotFound, "KeyNotFound")
	case strict(r, &call) != nil || call.Algorithm != "RSA-OAEP-256":
		fail(http.StatusBadRequest, "BadParameter")
	default:
		a.do(w, call, operation, key, fail)
	}
}

func (a *Azure) do(w http.ResponseWriter, call azureCall, operation, key string, fail func(int, string)) {
	value, err := base64.RawURLEncoding.DecodeString(call.Value)
	result := ""
	switch {
	case err != nil:
	case operation == "encrypt":
		result = a.Encrypt(value)
	case operation == "decrypt":
		var plain []byte
		plain, err = rsa.DecryptOAEP(sha256.New(), nil, a.key, value, nil)
		result = base64.RawURLEncoding.EncodeToString(plain)
	}
	if err != nil || result == "" {
		fail(http.StatusBadRequest, "BadParameter")
		return
	}
	answer(a.t, w, "application/json", http.StatusOK, map[string]string{"kid": AzureVault + key, "value": result})
}
