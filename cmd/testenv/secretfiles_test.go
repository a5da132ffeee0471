package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/decrypt"

	"github.com/tidelock-io/tidelock/secrets/sealed"
)

const sopsRules = `creation_rules:
  - path_regex: \.sops\.yaml$
    encrypted_regex: ^(data|stringData)$
    age: RECIPIENT
  - path_regex: \.sops\.env$
    age: RECIPIENT
`

func TestEncryptSOPS(t *testing.T) {
	key, err := NewSOPSKey()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	rules := strings.ReplaceAll(sopsRules, "RECIPIENT", key.Recipient())
	if err := os.WriteFile(filepath.Join(root, ".sops.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	canary := NewCanary("the password")
	for path, plain := range map[string]string{
		"a/db.sops.yaml":  "kind: Secret\nmetadata:\n  name: db\nstringData:\n  password: '" + canary.Text + "'\n",
		"a/smtp.sops.env": "USER=shop\nPASSWORD=" + canary.Text + "\n",
	} {
		encrypted, err := EncryptSOPS(root, path, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		if found := NewCanaries(canary).Search(path, encrypted); len(found) > 0 {
			t.Errorf("it is not encrypted: %v", found)
		}
		t.Setenv("SOPS_AGE_KEY", key.Private())
		decrypted, err := decrypt.DataWithFormat(encrypted, formats.FormatForPath(path))
		if err != nil || !strings.Contains(string(decrypted), canary.Text) {
			t.Errorf("%s: decrypted to something else, %v", path, err)
		}
	}
	if _, err := EncryptSOPS(root, "plain.txt", []byte("x")); err == nil {
		t.Error("a file that no rule is for was encrypted")
	}
}

func TestSeal(t *testing.T) {
	key, err := NewSealingKey()
	if err != nil {
		t.Fatal(err)
	}
	canary := NewCanary("the token")
	text, err := key.Seal("strict", "api", "webhook", map[string][]byte{"token": []byte(canary.Text)})
	if err != nil {
		t.Fatal(err)
	}
	if found := NewCanaries(canary).Search("the SealedSecret", text); len(found) > 0 {
		t.Errorf("it is not encrypted: %v", found)
	}
	if _, err := sealed.ParseKeys(key.Secret("kube-system", "k").Data); err != nil {
		t.Errorf("the key's Secret: %v", err)
	}
}
