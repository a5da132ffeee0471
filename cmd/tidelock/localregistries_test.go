package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Helm's repositories serve for their very address, and docker's logins for their
// host; a registry on this machine has no certificate.
func TestLocalRegistries(t *testing.T) {
	home := t.TempDir()
	for name, text := range map[string]string{
		"config.json": `{"auths": {"ghcr.io": {"auth": "cm9ib3Q6c2VzYW1l"}, "token.example": {"identitytoken": "trade"}}}`,
		"repositories.yaml": "repositories:\n- {name: stable, url: 'https://charts.example/stable/', username: helm, password: sesame, pass_credentials_all: true}\n" +
			"- {name: gone, url: 'https://charts.example/gone', caFile: /nowhere/ca.pem}\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DOCKER_CONFIG", home)
	t.Setenv("HELM_CONFIG_HOME", home)
	local, err := newLocalRegistries()
	if err != nil {
		t.Fatal(err)
	}
	type login struct {
		User, Password, Token string
		PlainHTTP, Everywhere bool
		Fault                 string
	}
	for url, want := range map[string]login{
		"https://charts.example/stable":  {User: "helm", Password: "sesame", Everywhere: true},
		"https://charts.example/other":   {},
		"https://charts.example/gone":    {Fault: "helm's repositories: open /nowhere/ca.pem: no such file or directory"},
		"oci://ghcr.io/org/charts":       {User: "robot", Password: "sesame"},
		"ghcr.io/org/charts":             {User: "robot", Password: "sesame"},
		"oci://token.example/charts":     {Token: "trade"},
		"oci://127.0.0.1:5000/charts":    {PlainHTTP: true},
		"oci://localhost/charts":         {PlainHTTP: true},
		"oci://ghcr.io.evil.example/org": {},
	} {
		r := local.Registry(url, "")
		got := login{
			r.Credentials.Username, string(r.Credentials.Password.Reveal()), string(r.IdentityToken.Reveal()),
			r.PlainHTTP, r.PassCredentials, r.Fault,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
	}
	if url, ok := local.Named("stable", ""); !ok || url != "https://charts.example/stable/" {
		t.Errorf("@stable is %q, %v", url, ok)
	}
	if _, ok := local.Named("none", ""); ok {
		t.Error("@none is known")
	}
}
