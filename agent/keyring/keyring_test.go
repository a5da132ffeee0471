package keyring

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secretsOf makes Secrets of rows: name, type, then entries.
func secretsOf(t *testing.T, label string, rows string) *follower[*corev1.Secret] {
	t.Helper()
	f := follow[*corev1.Secret](&corev1.Secret{}, func() {}, nil)
	var list []any
	for row := range strings.Lines(strings.TrimSpace(rows)) {
		words := strings.Fields(row)
		s := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "agent", Name: words[0], Labels: map[string]string{label: words[1]}},
			Data:       map[string][]byte{},
		}
		for _, word := range words[2:] {
			key, value, _ := strings.Cut(word, "=")
			s.Data[key] = []byte(value)
		}
		list = append(list, s)
	}
	if err := f.Replace(list, ""); err != nil {
		t.Fatal(err)
	}
	return f
}

// 2.8 repository, 2.8 repo-creds: own credentials first, else those of the longest prefix.
func TestRepo(t *testing.T) {
	k := &Keyring{log: slog.New(slog.DiscardHandler), trust: follow[*corev1.ConfigMap](&corev1.ConfigMap{}, func() {}, nil)}
	k.repositories = secretsOf(t, api.LabelSecretType, `
host repo-creds url=https://git.example.com username=host
org repo-creds url=https://git.example.com/org username=org
red repo-creds url=https://git.example.com/red username=red project=red
own repository url=https://git.example.com/org/own username=own
open repository url=https://git.example.com/org/open
theirs repository url=https://git.example.com/org/theirs username=red project=red
shared repository url=https://git.example.com/org/theirs username=shared
tls repository url=https://other.example.com/org/repo insecure=true
`)
	for _, tt := range []struct{ url, project, want string }{
		{"https://git.example.com/org/own", "blue", "own"},
		{"https://git.example.com/org/own.git", "blue", "own"},
		{"https://git.example.com/org/open", "blue", "org"},
		{"https://git.example.com/org/unknown", "blue", "org"},
		{"https://git.example.com/organisation/x", "blue", "host"},
		{"https://git.example.com/org/theirs", "red", "red"},
		{"https://git.example.com/org/theirs", "blue", "shared"},
		{"https://git.example.com/red/x", "red", "red"},
		{"https://git.example.com/red/x", "blue", "host"},
		{"http://git.example.com/org/own", "blue", ""},
		{"https://git.example.com:8443/org/own", "blue", ""},
		{"https://elsewhere.example.com/org/own", "blue", ""},
	} {
		repo := k.Repo(tt.url, tt.project)
		if repo.Credentials.Username != tt.want || repo.URL != tt.url {
			t.Errorf("%s of project %s: user %q, want %q", tt.url, tt.project, repo.Credentials.Username, tt.want)
		}
	}
	if !k.Repo("https://other.example.com/org/repo", "").Credentials.InsecureSkipTLS {
		t.Error("a Secret without credentials has no say about TLS")
	}
}

func TestSOPSKeys(t *testing.T) {
	k := &Keyring{}
	k.sops = secretsOf(t, api.LabelTidelockSecretType, `
b sops-key a.agekey=A b.asc=B note=x
a sops-key sops.vault-token=V
red sops-key red.agekey=R project=red
`)
	for project, want := range map[string]string{
		"red":  "vault-token=V age=A pgp=B age=R",
		"blue": "vault-token=V age=A pgp=B",
		"":     "vault-token=V age=A pgp=B",
	} {
		var got []string
		for _, key := range k.SOPS(project) {
			got = append(got, key.Kind+"="+string(key.Material))
			if !strings.HasPrefix(key.Name, "Secret agent/") || strings.Contains(key.Name, string(key.Material)+" ") {
				t.Errorf("a key is called %q", key.Name)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("project %q: got %q, want %q", project, text, want)
		}
	}
}

// Keys that are not PEM are left out, and the others still open.
func TestSealingKeysThatAreBroken(t *testing.T) {
	k := &Keyring{log: slog.New(slog.DiscardHandler)}
	k.sealing = secretsOf(t, "sealed", "a active tls.key=nonsense tls.crt=nonsense")
	if _, err := k.Keys(t.Context()); err != nil {
		t.Errorf("error %v, want none", err)
	}
}
