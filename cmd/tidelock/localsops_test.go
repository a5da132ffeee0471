package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// TestLocalSOPSKeys collects keys from where sops looks, and bounds Vault's token
// to the address that vault has.
func TestLocalSOPSKeys(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".config/sops/age/keys.txt", "KEYS")
	write(".ssh/id_ed25519", "SSH")
	write(".vault-token", "TOKEN\n")
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": "",
		"SOPS_AGE_KEY": "ONE TWO", "SOPS_AGE_KEY_FILE": write("a.txt", "FILE"), "SOPS_AGE_KEY_CMD": "printf '%s' 'OUT PUT'",
		"SOPS_AGE_SSH_PRIVATE_KEY_FILE": write("b.txt", "PRIVATE"), "SOPS_AGE_SSH_PRIVATE_KEY_CMD": "",
		"VAULT_TOKEN": "", "VAULT_ADDR": "https://vault.example.com", "VAULT_NAMESPACE": "team", "VAULT_CACERT": write("ca.pem", "CA"),
	} {
		t.Setenv(name, value)
	}
	keys, err := localSOPSKeys()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range keys {
		line := key.Kind + " " + strings.ReplaceAll(key.Name, home, "~") + " " + string(key.Material)
		for _, name := range slices.Sorted(maps.Keys(key.Settings)) {
			line += " " + name + "=" + key.Settings[name]
		}
		got = append(got, strings.ReplaceAll(line, "\n", "|"))
	}
	want := `age $SOPS_AGE_KEY ONE|TWO|
age ~/a.txt FILE
age ~/.config/sops/age/keys.txt KEYS
age $SOPS_AGE_KEY_CMD OUT PUT
age ~/b.txt PRIVATE
age ~/.ssh/id_ed25519 SSH
vault-token ~/.vault-token TOKEN allow=https://vault.example.com ca=CA namespace=team
aws-kms the login of this machine  allow=* ambient=true
gcp-kms the login of this machine  allow=* ambient=true
azure-kv the login of this machine  allow=* ambient=true`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	for variable, value := range map[string]string{"SOPS_AGE_KEY_FILE": home + "/none", "SOPS_AGE_KEY_CMD": "false", "VAULT_CACERT": home + "/none"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			if _, err := localSOPSKeys(); err == nil || !strings.HasPrefix(err.Error(), "$"+variable+": ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestServicesSpec gives the process that asks key services what its surroundings
// permit, and no more.
func TestServicesSpec(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	token := filepath.Join(dir, "token") // a link, as Kubernetes has it
	if err := os.Symlink("..data/token", token); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"AWS_ROLE_ARN=role", "AWS_WEB_IDENTITY_TOKEN_FILE=" + token, "AZURE_CLIENT_ID=client", "GOOGLE_APPLICATION_CREDENTIALS=/adc.json", "HOME=" + home,
		"https_proxy=http://proxy", "SSL_CERT_FILE=/ca.pem", "VAULT_TOKEN=hidden", "SOPS_AGE_KEY=hidden", "KUBECONFIG=" + home + "/config", "PATH=/bin",
	}
	for _, tt := range []struct {
		name   string
		around surroundings
		env    string
		files  string
	}{
		{"an agent", surroundings{inCluster: true}, "https_proxy SSL_CERT_FILE", "/ca.pem"},
		{
			"an agent with an identity", surroundings{inCluster: true, identity: true},
			"AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AZURE_CLIENT_ID GOOGLE_APPLICATION_CREDENTIALS https_proxy SSL_CERT_FILE", dir + " /adc.json /ca.pem",
		},
		{
			"a person", surroundings{},
			"AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AZURE_CLIENT_ID GOOGLE_APPLICATION_CREDENTIALS HOME https_proxy SSL_CERT_FILE",
			dir + " /adc.json ~/.aws ~/.azure ~/.config/gcloud /ca.pem",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := servicesSpec(tt.around, environ)
			var names []string
			for _, variable := range spec.Env {
				name, _, _ := strings.Cut(variable, "=")
				names = append(names, name)
			}
			if got := strings.Join(names, " "); got != tt.env {
				t.Errorf("its environment is %s, want %s", got, tt.env)
			}
			if got := strings.ReplaceAll(strings.Join(spec.Grants.Files, " "), home, "~"); got != tt.files {
				t.Errorf("it may read %s, want %s", got, tt.files)
			}
			if g := spec.Grants; !g.Network || g.Exec || g.Scratch || len(g.Write) > 0 || spec.Name != open.Services {
				t.Errorf("it is granted %v", g)
			}
		})
	}
}
