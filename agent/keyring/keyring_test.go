package keyring

import (
	"fmt"
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
	rows = strings.ReplaceAll(rows, `\n`, "\n")
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

// 2.8 repository: of Helm and OCI repositories, however their address is written.
func TestRegistry(t *testing.T) {
	k := &Keyring{log: slog.New(slog.DiscardHandler), trust: follow[*corev1.ConfigMap](&corev1.ConfigMap{}, func() {}, nil)}
	k.repositories = secretsOf(t, api.LabelSecretType, `
web repository type=helm name=web url=https://charts.example.com/stable username=web
ghcr repository type=helm name=ghcr enableOCI=true url=ghcr.io/org/charts username=ghcr
long repo-creds type=oci url=oci://reg.example.com/org username=org
host repo-creds type=oci url=reg.example.com username=host
plain repository type=oci url=oci://plain.example.com:5000/x insecureOCIForceHttp=true username=plain
red repository type=helm name=web url=https://red.example.com/charts project=red
marked repository type=helm enableOCI=true url=https://marked.example.com/charts
wrong repository type=helm enableOCI=perhaps url=https://wrong.example.com/charts
`)
	for _, tt := range []struct{ url, want string }{
		{"https://charts.example.com/stable", "web"},
		{"ghcr.io/org/charts", "ghcr OCI"},
		{"oci://ghcr.io/org/charts", "ghcr OCI"},
		{"oci://reg.example.com/org/shop", "org OCI"},
		{"reg.example.com/organisation", "host OCI"},
		{"oci://plain.example.com:5000/x", "plain OCI http"},
		{"plain.example.com:5000/x", "plain OCI http"},
		{"https://marked.example.com/charts", " OCI"},
		{"https://wrong.example.com/charts", ` Secret agent/wrong: enableOCI: "perhaps" is neither true nor false`},
		{"https://nobody.example.com", ""},
	} {
		repo := k.Registry(tt.url, "blue")
		got := repo.Credentials.Username
		if repo.OCI {
			got += " OCI"
		}
		if repo.PlainHTTP {
			got += " http"
		}
		if repo.Fault != "" {
			got += " " + repo.Fault
		}
		if got != tt.want || repo.URL != tt.url {
			t.Errorf("%s: got %q at %s, want %q", tt.url, got, repo.URL, tt.want)
		}
	}
	for _, tt := range []struct{ name, project, want string }{
		{"web", "blue", "https://charts.example.com/stable"},
		{"web", "red", "https://red.example.com/charts"},
		{"ghcr", "", "ghcr.io/org/charts"},
		{"none", "blue", ""},
		{"", "blue", ""},
	} {
		if got, ok := k.Named(tt.name, tt.project); got != tt.want || ok != (tt.want != "") {
			t.Errorf("@%s of %s: got %q, %v", tt.name, tt.project, got, ok)
		}
	}
}

// 2.8 the other entries: what a Secret says, and what is wrong with it.
func TestEntries(t *testing.T) {
	for _, tt := range []struct{ name, rows, want, fault string }{
		{"app", "a repository url=https://h/x githubAppID=42 githubAppInstallationID=7 githubAppPrivateKey=hunter22 githubAppEnterpriseBaseUrl=https://h/api/v3",
			"credentials(GitHub App) app=42/7 https://h/api/v3", ""},
		{"app of a template", "a repo-creds url=https://h githubAppID=42 githubAppPrivateKey=hunter22", "credentials(GitHub App) app=42/0 ", ""},
		{"cloud", "a repository url=https://h/x gcpServiceAccountKey=hunter22 useAzureWorkloadIdentity=true", "credentials(Google key) azure=true", ""},
		{"principal", "a repository url=https://h/x azureServicePrincipalClientId=c azureServicePrincipalTenantId=t azureServicePrincipalClientSecret=hunter22 azureActiveDirectoryEndpoint=https://e",
			"credentials(Azure secret) azure=c/t/https://e", ""},
		{"proxy", "a repository url=https://h/x proxy=http://hunter22@p noProxy=q forceHttpBasicAuth=1", "credentials(proxy) noProxy=q force", ""},
		{"settings beside a template", "a repository url=https://h/x insecure=true proxy=http://own\nb repo-creds url=https://h username=u password=hunter22 proxy=http://theirs",
			"credentials(password, proxy) user=u insecure proxy=own", ""},
		{"all types", "a repository url=https://h/x type=helm enableOCI=true insecureOCIForceHttp=true webhookManifestCacheWarmDisabled=true name=n", "credentials()", ""},

		{"how to read", "a repository url=https://h/x depth=5 enableLfs=true", "credentials() depth=5 lfs", ""},
		{"no depth", "a repository url=https://h/x depth=-5", "credentials()", `depth: "-5" is no number`},
		{"type", "a repository url=https://h/x type=svn", "credentials()", `type: "svn" is none of git, helm and oci`},
		{"flag", "a repository url=https://h/x insecure=yes", "credentials()", `insecure: "yes" is neither true nor false`},
		{"number", "a repository url=https://h/x githubAppID=abc githubAppPrivateKey=hunter22", "credentials(GitHub App)", `githubAppID: "abc" is no number`},
		{"half an app", "a repository url=https://h/x githubAppPrivateKey=hunter22", "credentials(GitHub App)", "needs both githubAppID and githubAppPrivateKey"},
		{"half a principal", "a repository url=https://h/x azureServicePrincipalClientSecret=hunter22", "credentials(Azure secret)", "a service principal needs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &Keyring{log: slog.New(slog.DiscardHandler), trust: follow[*corev1.ConfigMap](&corev1.ConfigMap{}, func() {}, nil)}
			k.repositories = secretsOf(t, api.LabelSecretType, tt.rows)
			repo := k.Repo("https://h/x", "")
			c := repo.Credentials
			got := c.String()
			for _, part := range []struct {
				there bool
				text  string
			}{
				{c.GitHubApp.ID != 0, fmt.Sprintf("app=%d/%d %s", c.GitHubApp.ID, c.GitHubApp.Installation, c.GitHubApp.BaseURL)},
				{c.Azure.WorkloadIdentity, "azure=true"},
				{c.Azure.ClientID != "", "azure=" + c.Azure.ClientID + "/" + c.Azure.TenantID + "/" + c.Azure.Endpoint},
				{c.NoProxy != "", "noProxy=" + c.NoProxy},
				{c.ForceBasic, "force"},
				{c.Username != "", "user=" + c.Username},
				{repo.Depth != 0, fmt.Sprint("depth=", repo.Depth)},
				{repo.LFS, "lfs"},
				{c.InsecureSkipTLS, "insecure"},
				{strings.Contains(string(c.Proxy.Reveal()), "own"), "proxy=own"},
			} {
				if part.there {
					got += " " + part.text
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !strings.Contains(repo.Fault, tt.fault) || (tt.fault == "") != (repo.Fault == "") || strings.Contains(repo.Fault, "hunter") {
				t.Errorf("fault %q, want %q", repo.Fault, tt.fault)
			}
		})
	}
}

// An entry that nobody knows is said, once for each version of the Secret.
func TestUnknownEntries(t *testing.T) {
	var log strings.Builder
	k := &Keyring{log: slog.New(slog.NewTextHandler(&log, nil)), trust: follow[*corev1.ConfigMap](&corev1.ConfigMap{}, func() {}, nil)}
	k.repositories = secretsOf(t, api.LabelSecretType, "a repository url=https://h/x passwrod=hunter22")
	for range 3 {
		k.Repo("https://h/x", "")
	}
	if text := log.String(); strings.Count(text, "passwrod") != 1 || strings.Contains(text, "hunter") {
		t.Errorf("logged %q", text)
	}
}

func TestSOPSKeys(t *testing.T) {
	var log strings.Builder
	k := &Keyring{log: slog.New(slog.NewTextHandler(&log, nil))}
	k.sops = secretsOf(t, api.LabelTidelockSecretType, `
b sops-key a.agekey=A b.asc=B sops.vault-addr=x
a sops-key sops.vault-token=V sops.vault-address=https://v sops.vault-ca=C sops.vault-namespace=n sops.aws-kms-keys=not-for-vault
red sops-key red.agekey=R project=red
blue sops-key sops.workload-identity=aws,gcp,ibm sops.aws-kms-keys=arn:* project=blue
`)
	for project, want := range map[string]string{
		"red":  "vault-token=V map[allow:https://v ca:C namespace:n], age=A map[], pgp=B map[], age=R map[]",
		"blue": "vault-token=V map[allow:https://v ca:C namespace:n], age=A map[], pgp=B map[], aws-kms= map[allow:arn:* ambient:true], gcp-kms= map[ambient:true], ibm= map[ambient:true]",
		"":     "vault-token=V map[allow:https://v ca:C namespace:n], age=A map[], pgp=B map[]",
	} {
		var got []string
		for _, key := range k.SOPS(project) {
			got = append(got, key.Kind+"="+string(key.Material)+" "+fmt.Sprint(key.Settings))
			if !strings.HasPrefix(key.Name, "Secret agent/") || len(key.Material) > 0 && strings.Contains(key.Name, string(key.Material)+" ") {
				t.Errorf("a key is called %q", key.Name)
			}
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("project %q: got %q, want %q", project, text, want)
		}
	}
	if text := log.String(); strings.Count(text, "entries=[sops.vault-addr]") != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("logged %q", text)
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
