package doubles

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// GCP is Google's KMS, with one key, and the login of one service account.
type GCP struct {
	Log
	URL string
	// Key is the key's resource name.
	Key string

	t     testing.TB
	seal  cipher.AEAD
	login *rsa.PrivateKey
	token string
}

const gcpAccount = "deployer@shop-prod.iam.gserviceaccount.com"

// NewGCP starts it.
func NewGCP(t testing.TB) *GCP {
	block, err := aes.NewCipher(random(t, 32))
	if err != nil {
		t.Fatal(err)
	}
	g := &GCP{Key: "projects/shop-prod/locations/global/keyRings/sops/cryptoKeys/main", t: t, token: "ya29." + hex.EncodeToString(random(t, 20))}
	if g.seal, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	if g.login, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Credentials are a service account's key, as Google gives it out.
func (g *GCP) Credentials() string {
	der, err := x509.MarshalPKCS8PrivateKey(g.login)
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "shop-prod", "private_key_id": "1", "client_email": gcpAccount,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": g.URL + "/token",
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

// ServeHTTP is the login, and the REST API of KMS.
func (g *GCP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		g.logIn(w, r)
		return
	}
	fail := func(status int, code string) {
		answer(g.t, w, "application/json", status, map[string]any{"error": map[string]any{"code": status, "status": code, "message": "no"}})
	}
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	if status := g.note(operation); status != 0 {
		fail(status, "UNAVAILABLE")
		return
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		fail(http.StatusNotFound, "NOT_FOUND")
	case bearer != g.token && !g.assertion(bearer):
		fail(http.StatusUnauthorized, "UNAUTHENTICATED")
	case name != g.Key:
		fail(http.StatusForbidden, "PERMISSION_DENIED")
	default:
		g.do(w, r, operation, fail)
	}
}

// gcpCall is encrypt or decrypt. Numbers of 64 bits are texts in Google's JSON.
type gcpCall struct {
	Name             string `json:"name"`
	Plaintext        []byte `json:"plaintext"`
	Ciphertext       []byte `json:"ciphertext"`
	CiphertextCrc32c string `json:"ciphertextCrc32c"`
}

func (g *GCP) do(w http.ResponseWriter, r *http.Request, operation string, fail func(int, string)) {
	var call gcpCall
	if err := strict(r, &call); err != nil {
		fail(http.StatusBadRequest, "INVALID_ARGUMENT")
		return
	}
	reply := map[string]any{}
	switch n := g.seal.NonceSize(); operation {
	case "encrypt":
		nonce := random(g.t, n)
		reply["name"], reply["ciphertext"] = g.Key+"/cryptoKeyVersions/1", g.seal.Seal(nonce, nonce, call.Plaintext, nil)
	case "decrypt":
		if len(call.Ciphertext) < n {
			fail(http.StatusBadRequest, "INVALID_ARGUMENT")
			return
		}
		plain, err := g.seal.Open(nil, call.Ciphertext[:n], call.Ciphertext[n:], nil)
		if err != nil {
			fail(http.StatusBadRequest, "INVALID_ARGUMENT")
			return
		}
		reply["plaintext"] = plain
		reply["plaintextCrc32c"] = fmt.Sprint(crc32.Checksum(plain, crc32.MakeTable(crc32.Castagnoli)))
	default:
		fail(http.StatusNotFound, "NOT_FOUND")
		return
	}
	answer(g.t, w, "application/json", http.StatusOK, reply)
}

// logIn gives a token for a signed assertion (RFC 7523).
func (g *GCP) logIn(w http.ResponseWriter, r *http.Request) {
	if status := g.note("login"); status != 0 {
		answer(g.t, w, "application/json", status, map[string]string{"error": "internal_failure"})
		return
	}
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || !g.assertion(r.FormValue("assertion")) {
		answer(g.t, w, "application/json", http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	answer(g.t, w, "application/json", http.StatusOK, map[string]any{"access_token": g.token, "token_type": "Bearer", "expires_in": 3600})
}

// assertion says whether the service account signed it, for now.
func (g *GCP) assertion(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(&g.login.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer  string `json:"iss"`
		Expires int64  `json:"exp"`
		Scope   string `json:"scope"`
	}
	return err == nil && json.Unmarshal(text, &claims) == nil && claims.Issuer == gcpAccount && time.Unix(claims.Expires, 0).After(time.Now())
}
