package git

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

func TestNormalize(t *testing.T) {
	const want = "github.com/acme/infra"
	for _, address := range []string{
		"https://github.com/acme/infra", "https://github.com/acme/infra.git", "https://GitHub.com/Acme/Infra.git/",
		"http://github.com/acme/infra", "https://github.com:443/acme/infra", "https://bob:pw@github.com/acme/infra.git",
		"git@github.com:acme/infra.git", "github.com:acme/infra", "ssh://git@github.com/acme/infra", "ssh://git@github.com:22/acme/infra.git",
		"ssh://git@ssh.github.com:443/acme/infra.git", "git+ssh://git@github.com/acme/infra", "github.com/acme/infra", " https://github.com/acme/infra ",
	} {
		if got := Normalize(address); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", address, got, want)
		}
	}
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://git.example.com:8443/a/b.git", "ssh://git@git.example.com:7999/a/b", true},
		{"https://bitbucket.org/a/b", "ssh://git@altssh.bitbucket.org:443/a/b.git", true},
		{"https://example.com/a/b", "https://example.com/a/b2", false},
		{"https://example.com/a/b", "https://example.org/a/b", false},
		{"https://[::1]:80/a", "https://[::1]/a", true},
		{"https://[::1]/a", "https://[::2]/a", false},
		{"/srv/Shop.git", "file:///srv/Shop", true},
		{"/srv/Shop.git", "/srv/shop.git", false},
		{"ssh.example", "example", false},
	} {
		if got := SameRepo(tt.a, tt.b); got != tt.same {
			t.Errorf("SameRepo(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("https://bob:hunter22@github.com/acme/infra.git")
	f.Add("git@github.com:acme/infra.git")
	f.Add("file:///srv/Shop")
	f.Fuzz(func(t *testing.T, address string) {
		if !SameRepo(address, address) || strings.Count(redact(address), "@") > strings.Count(address, "@") {
			t.Errorf("SameRepo(%q) with itself is false, or redact adds to it", address)
		}
		_, _ = Repo{URL: address}.normal()
	})
}

func TestNothingPrintsSecrets(t *testing.T) {
	const planted = "hunter22"
	value := secrets.New([]byte(planted))
	repo := Repo{URL: "https://bob:" + planted + "@example.com/a.git?token=" + planted, Credentials: Credentials{
		Username: "bob", Password: value, BearerToken: value, SSHPrivateKey: value, SSHPassphrase: value, ClientKey: value,
	}}
	normal, err := repo.normal()
	must(t, err)
	if ssh, err := (Repo{URL: "ssh://git:" + planted + "@example.com/a.git"}).normal(); err != nil || ssh.URL != "ssh://git@example.com/a.git" {
		t.Errorf("got %v, %v", ssh.URL, err)
	}
	if string(normal.Credentials.Password.Reveal()) != planted || strings.Contains(normal.URL, "bob") {
		t.Errorf("got %v", normal.URL)
	}
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "repo", repo, "pointer", &repo, "credentials", repo.Credentials)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "repo", repo, "nested", []Repo{repo})
	for _, v := range []any{repo, &repo, repo.Credentials, &repo.Credentials, []Repo{repo}, struct{ c Credentials }{repo.Credentials}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		raw, err := json.Marshal(v)
		must(t, err)
		out.Write(raw)
	}
	if i := strings.Index(out.String(), planted); i >= 0 {
		t.Errorf("the secret shows in %q", out.String()[max(0, i-80):i+20])
	}
	if hex := fmt.Sprintf("%x", planted); strings.Contains(out.String(), hex) {
		t.Error("the secret shows in hex")
	}
}
