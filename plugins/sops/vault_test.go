package sops_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// TestVault opens what the sops program encrypted with a real Vault's transit
// engine: with a token that may do nothing else, by TLS, and while Vault is
// sealed, down, and up again.
func TestVault(t *testing.T) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	program, err := testenv.VaultTool(ctx, t.Logf)
	must(err)
	v, err := testenv.StartVault(ctx, testenv.VaultOptions{Binary: program, Dir: t.TempDir(), TLS: true})
	must(err)
	t.Cleanup(v.Kill)
	must(v.TransitKey(ctx, "shop"))
	must(v.TransitKey(ctx, "web"))
	must(v.Policy(ctx, "decrypt", `path "transit/decrypt/shop" { capabilities = ["update"] }`))
	token, err := v.Token(ctx, time.Hour, "decrypt")
	must(err)
	ca, err := v.CA()
	must(err)
	authority := filepath.Join(t.TempDir(), "ca.crt")
	must(os.WriteFile(authority, ca, 0o600))

	s := newTool(t, "VAULT_TOKEN="+v.RootToken(), "VAULT_CACERT="+authority)
	h := newHost(t)
	with := func(token string, settings ...string) sdk.Key {
		return login(open.VaultToken, token, append([]string{open.Allow, v.URL, open.CA, string(ca)}, settings...)...)
	}
	rule := func(key string) map[string]any {
		return map[string]any{"hc_vault_transit_uri": v.URL + "/v1/transit/keys/" + key, "encrypted_regex": "^(data|stringData|a|PASSWORD|password)$"}
	}
	for name, plain := range texts {
		if strings.HasPrefix(name, "empty") {
			continue
		}
		data := s.encrypt(t, name, plain, rule("shop"))
		want, err := s.run(string(data), "decrypt", "--filename-override", name)
		must(err)
		if got, err := decrypt(h, name, data, with(token)); err != nil || got != string(want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	data, other := s.encrypt(t, "a.yaml", "a: "+canary+"\n", rule("shop")), s.encrypt(t, "a.yaml", "a: "+canary+"\n", rule("web"))
	refuses := func(what string, data []byte, key sdk.Key, failing bool, says string) {
		t.Helper()
		_, err := decrypt(h, "a.yaml", data, key)
		if err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, sdk.ErrNoKey) == failing {
			t.Errorf("%s: got %v, want it to say %q", what, err, says)
		}
		if err != nil && strings.Contains(err.Error(), string(key.Material)) {
			t.Errorf("%s: the error tells too much: %v", what, err)
		}
	}
	refuses("a key without rights", other, with(token), false, "it answered 403 Forbidden: ")
	refuses("a wrong token", data, with("hvs.wrongwrongwrong"), false, "it answered 403 Forbidden: ")
	refuses("an unknown authority", data, login(open.VaultToken, token, open.Allow, v.URL), true, "certificate signed by unknown authority")
	broken := strings.Replace(string(data), "enc: vault:v1:", "enc: vault:v1:AAAA", 1)
	refuses("a data key that was changed", []byte(broken), with(token), false, "it answered 400 Bad Request: ")

	must(v.Seal(ctx))
	refuses("sealed", data, with(token), true, "it answered 503 Service Unavailable: ")
	must(v.Unseal(ctx))
	must(v.Stop())
	refuses("down", data, with(token), true, "connection refused")
	must(v.Start(ctx))
	ca, err = v.CA() // that of this run
	must(err)
	opens(ctx, t, func() error { _, err := decrypt(h, "a.yaml", data, with(token)); return err })

	asked, err := v.Requests()
	must(err)
	for request := range asked {
		own := strings.Contains(request, " sys/") // of its audit log
		if !own && request != "update transit/decrypt/shop" && request != "update transit/decrypt/web" {
			t.Errorf("Vault was asked %s", request)
		}
	}
}

// opens waits for a Vault that has started to unseal itself and lead.
func opens(ctx context.Context, t *testing.T, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("still not after three minutes: %v", err)
		}
	}
}
