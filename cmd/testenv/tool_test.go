package testenv_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestTools builds the programs that other tests compare with.
func TestTools(t *testing.T) {
	for _, module := range []string{testenv.KustomizeTool, testenv.HelmTool, testenv.KubeconformTool, testenv.SOPSTool, "kubeseal", "controller"} {
		build := testenv.Tool
		if module == "kubeseal" || module == "controller" {
			build = testenv.SealedSecretsTool
		}
		path, err := build(context.Background(), module)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if _, _, err := testenv.ExternalSecrets(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestVault starts one, and asks it as those who log in do.
func TestVault(t *testing.T) {
	ctx := t.Context()
	binary, err := testenv.VaultTool(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	v, err := testenv.StartVault(ctx, testenv.VaultOptions{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := v.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if version, err := v.Put(ctx, "shop", map[string]any{"user": "anna"}); err != nil || version != 1 {
		t.Errorf("version %d, %v", version, err)
	}
	if err := v.TransitKey(ctx, "sops"); err != nil {
		t.Error(err)
	}
	if err := v.Policy(ctx, "web", `path "secret/data/shop" { capabilities = ["read"] }`); err != nil {
		t.Error(err)
	}
	role, secret, err := v.AppRole(ctx, testenv.VaultRole{Name: "web", Policies: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{secret, "wrong"} {
		body := strings.NewReader(`{"role_id": "` + role + `", "secret_id": "` + id + `"}`)
		answer, err := http.Post(v.URL+"/v1/auth/approle/login", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if (answer.StatusCode == http.StatusOK) != (id == secret) {
			t.Errorf("a login: %s", answer.Status)
		}
	}
	if err := errors.Join(v.Seal(ctx), v.Unseal(ctx)); err != nil {
		t.Error(err)
	}
	asked, err := v.Requests()
	if err != nil || asked["update auth/approle/login"] != 2 {
		t.Errorf("asked %v, %v; want two logins", asked, err)
	}
}
