package sops_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/plugins/sops/doubles"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// texts are files of all formats, with what is hard in each.
var texts = map[string]string{
	"secret.yaml": `# of the shop
apiVersion: v1
kind: Secret
metadata:
    name: db # a name
data:
    token_encrypted: ` + canary + `
    open_unencrypted: plain
# sops:this
stringData:
    # ask the DBA
    password: ` + canary + `
    port: 5432
    ratio: 0.25
    on: true
    none: null
    empty: ""
    since: 2026-01-02T03:04:05Z
    list:
        - one
        # in a list
        - two
    text: |
        several
        lines
`,
	"two.yaml":     "a: " + canary + "\n---\nb: 2\nsecret_encrypted: x\n---\nc:\n    - d: 3\n",
	"values.json":  "{\n\t\"password\": \"" + canary + "\",\n\t\"list\": [1, 2.5, true, null, {\"a\": \"b\"}],\n\t\"key_encrypted\": \"x\",\n\t\"open_unencrypted\": \"y\"\n}\n",
	"app.env":      "# of the shop\nPASSWORD=" + canary + "\nOPEN_unencrypted=yes\nKEY_encrypted=no\nQUOTED=\"a=b\"\n",
	"app.ini":      "; of the shop\n[db]\n; its word\npassword = " + canary + "\nport = 5432\nopen_unencrypted = yes\n\n[mail]\nkey_encrypted = no\n",
	"tls.pem":      "-----BEGIN x-----\n" + canary + "\n\x00\xff-----END x-----\n",
	"empty.binary": "",
}

// partly are the ways to encrypt a part of a file. Those of comments are for files
// that have comments.
var partly = map[string]map[string]any{
	"all":                       {},
	"encrypted_regex":           {"encrypted_regex": "^(data|stringData|password|PASSWORD)$"},
	"unencrypted_regex":         {"unencrypted_regex": "^(apiVersion|kind|metadata|port)$"},
	"encrypted_suffix":          {"encrypted_suffix": "_encrypted"},
	"unencrypted_suffix":        {"unencrypted_suffix": "_unencrypted"},
	"encrypted_comment_regex":   {"encrypted_comment_regex": "sops:this"},
	"unencrypted_comment_regex": {"unencrypted_comment_regex": "^ ?ask"},
	"mac_only_encrypted":        {"encrypted_regex": "^(data|stringData|password|PASSWORD)$", "mac_only_encrypted": true},
}

// TestMatrix opens what the sops program encrypted, in every format, for keys of
// every kind and every part of a file. It is as sops itself decrypts it, to the
// byte.
func TestMatrix(t *testing.T) {
	aws, gcp := doubles.NewAWS(t), doubles.NewGCP(t)
	ageKey, recipient := newKey(t, "demo.agekey")
	identity := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(identity, ageKey.Material, 0o600); err != nil {
		t.Fatal(err)
	}
	ssh, pgp := newSSH(t, "ed25519"), newPGP(t)
	s := newTool(t,
		"SOPS_AGE_KEY_FILE="+identity, "GNUPGHOME="+pgp.home,
		"AWS_ACCESS_KEY_ID="+aws.ID, "AWS_SECRET_ACCESS_KEY="+aws.Secret, "AWS_ENDPOINT_URL_KMS="+aws.URL,
		"GOOGLE_CREDENTIALS="+gcp.Credentials(), "SOPS_GCP_KMS_ENDPOINT="+gcp.URL, "SOPS_GCP_KMS_CLIENT_TYPE=rest",
	)
	h := newHost(t, "AWS_ENDPOINT_URL_KMS="+aws.URL, "SOPS_GCP_KMS_ENDPOINT="+gcp.URL)
	awsKey := sdk.Key{Kind: open.AWS, Name: "Secret argocd/kms, key sops.aws-kms", Material: []byte(aws.Credentials())}
	gcpKey := sdk.Key{Kind: open.GCP, Name: "Secret argocd/kms, key sops.gcp-kms", Material: []byte(gcp.Credentials())}
	quantum := newQuantum(t)
	group := func(kind string, names ...string) map[string]any { return map[string]any{kind: names} }
	kms := map[string]any{"kms": []any{map[string]any{"arn": aws.ARN, "context": map[string]string{"app": "shop"}}}}
	cloud := map[string]any{"gcp_kms": []any{map[string]string{"resource_id": gcp.Key}}}
	kinds := map[string]struct {
		groups []any
		keys   []sdk.Key
	}{
		"age":            {[]any{group("age", recipient)}, []sdk.Key{ageKey}},
		"age SSH":        {[]any{group("age", ssh.recipient)}, []sdk.Key{ssh.key}},
		"age hybrid":     {[]any{group("age", quantum.recipient)}, []sdk.Key{quantum.key}},
		"PGP":            {[]any{group("pgp", pgp.recipient)}, []sdk.Key{pgp.key}},
		"AWS KMS":        {[]any{kms}, []sdk.Key{awsKey}},
		"GCP KMS":        {[]any{cloud}, []sdk.Key{gcpKey}},
		"Shamir":         {[]any{group("age", recipient), group("pgp", pgp.recipient), kms}, []sdk.Key{pgp.key, ageKey}},
		"Shamir, clouds": {[]any{group("age", recipient), kms, cloud}, []sdk.Key{ageKey, gcpKey}},
	}
	for name, plain := range texts {
		for part, how := range partly {
			if part != "all" && (name == "empty.binary" || name == "tls.pem" || strings.Contains(part, "comment") && name != "secret.yaml") {
				continue
			}
			for kind, to := range kinds {
				if kind != "age" && part != "all" {
					continue // what is encrypted does not depend on for whom
				}
				t.Run(name+"/"+part+"/"+kind, func(t *testing.T) {
					t.Parallel()
					rule := map[string]any{"key_groups": to.groups}
					for field, value := range how {
						rule[field] = value
					}
					if len(to.groups) > 1 {
						rule["shamir_threshold"] = 2
					}
					data := s.encrypt(t, name, plain, rule)
					if !detect.IsEncrypted(data, detect.Format(name)) {
						t.Errorf("not detected as encrypted:\n%s", data)
					}
					if part == "all" && strings.Contains(string(data), canary) {
						t.Errorf("sops left it plain:\n%s", data)
					}
					got, err := decrypt(h, name, data, to.keys...)
					if err != nil {
						t.Fatalf("%v of\n%s", err, data)
					}
					if kind == "age" { // for others it is the same
						if want, err := s.run(string(data), "decrypt", "--filename-override", name); err != nil || got != string(want) {
							t.Errorf("got\n%s\nwant\n%s, %v", got, want, err)
						}
					}
					if detect.IsEncrypted([]byte(got), detect.Format(name)) || strings.Contains(plain, canary) != strings.Contains(got, canary) {
						t.Errorf("it is not what it was:\n%s", got)
					}
				})
			}
		}
	}
}
