package file_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/getsops/sops/v3/keyservice"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
)

// TestLocalVault: who writes a file chooses the address; the token goes to
// $VAULT_ADDR only, and to no other path than that of a key.
func TestLocalVault(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") == "s.own" {
			asked.Add(1)
		}
		http.Error(w, "{}", http.StatusForbidden)
	}))
	defer server.Close()
	t.Setenv("VAULT_TOKEN", "s.own")
	for _, c := range []struct {
		name, own, address, engine, key string
		reached                         bool
		want                            string
	}{
		{"another's", "https://vault.example.com", server.URL, "transit", "shop", false, "is not sent to " + server.URL},
		{"nobody's", "", server.URL, "transit", "shop", false, "set VAULT_ADDR"},
		{"another path", server.URL, server.URL, "transit", "../../sys/seal?", false, "is no address of a key"},
		{"another engine", server.URL, server.URL, "../sys", "shop", false, "is no address of a key"},
		{"a path in the address", server.URL, server.URL + "/v1/secret", "transit", "shop", false, "is no address of a key"},
		{"one's own", server.URL, server.URL, "transit", "shop", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked.Store(0)
			t.Setenv("VAULT_ADDR", c.own)
			key := &keyservice.Key{KeyType: &keyservice.Key_VaultKey{VaultKey: &keyservice.VaultKey{VaultAddress: c.address, EnginePath: c.engine, KeyName: c.key}}}
			_, opened := file.LocalKeys().Decrypt(t.Context(), &keyservice.DecryptRequest{Key: key, Ciphertext: []byte("vault:v1:x")})
			_, sealed := file.LocalKeys().Encrypt(t.Context(), &keyservice.EncryptRequest{Key: key, Plaintext: []byte("x")})
			for _, err := range []error{opened, sealed} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
			}
			if reached := asked.Load() > 0; reached != c.reached {
				t.Errorf("reached: %t", reached)
			}
		})
	}
}
