package sops_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
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

// A sort is one of recipients, and the keys that open what is for them.
type sort struct {
	groups []any // of a creation rule
	keys   []sdk.Key
}

func (to sort) rule(how map[string]any) map[string]any {
	rule := map[string]any{"key_groups": to.groups}
	if len(to.groups) > 1 {
		rule["shamir_threshold"] = 2
	}
	maps.Copy(rule, how)
	return rule
}

// newSorts makes keys of all kinds, but Vault's and Azure's, which have tests of
// their own; the sops program, and a host, that reach the clouds' doubles.
func newSorts(t *testing.T) (map[string]sort, *tool, *host.Host) {
	aws, gcp := doubles.NewAWS(t), doubles.NewGCP(t)
	key, recipient := newKey(t, "demo.agekey")
	identity := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(identity, key.Material, 0o600); err != nil {
		t.Fatal(err)
	}
	ssh, pgp, quantum := newSSH(t, "ed25519"), newPGP(t), newQuantum(t)
	s := newTool(t,
		"SOPS_AGE_KEY_FILE="+identity, "GNUPGHOME="+pgp.home,
		"AWS_ACCESS_KEY_ID="+aws.ID, "AWS_SECRET_ACCESS_KEY="+aws.Secret, "AWS_ENDPOINT_URL_KMS="+aws.URL,
		"GOOGLE_CREDENTIALS="+gcp.Credentials(), "SOPS_GCP_KMS_ENDPOINT="+gcp.URL, "SOPS_GCP_KMS_CLIENT_TYPE=rest",
	)
	of := func(kind string, names ...string) any { return map[string]any{kind: names} }
	forAge, forPGP := of("age", recipient), of("pgp", pgp.recipient)
	forAWS := map[string]any{"kms": []any{map[string]any{"arn": aws.ARN, "context": map[string]string{"app": "shop"}}}}
	forGCP := map[string]any{"gcp_kms": []any{map[string]string{"resource_id": gcp.Key}}}
	awsKey, gcpKey := login(open.AWS, aws.Credentials()), login(open.GCP, gcp.Credentials())
	return map[string]sort{
		"age":            {[]any{forAge}, []sdk.Key{key}},
		"age SSH":        {[]any{of("age", ssh.recipient)}, []sdk.Key{ssh.key}},
		"age hybrid":     {[]any{of("age", quantum.recipient)}, []sdk.Key{quantum.key}},
		"PGP":            {[]any{forPGP}, []sdk.Key{pgp.key}},
		"AWS KMS":        {[]any{forAWS}, []sdk.Key{awsKey}},
		"GCP KMS":        {[]any{forGCP}, []sdk.Key{gcpKey}},
		"Shamir":         {[]any{forAge, forPGP, forAWS}, []sdk.Key{pgp.key, key}},
		"Shamir, clouds": {[]any{forAge, forAWS, forGCP}, []sdk.Key{key, gcpKey}},
	}, s, newHost(t, "AWS_ENDPOINT_URL_KMS="+aws.URL, "SOPS_GCP_KMS_ENDPOINT="+gcp.URL)
}

// TestMatrix opens what the sops program encrypted, in every format, for keys of
// every kind and every part of a file. It is as sops itself decrypts it, to the
// byte.
func TestMatrix(t *testing.T) {
	t.Parallel()
	sorts, s, h := newSorts(t)
	for name, plain := range texts {
		for part, how := range partly {
			whole := name == "empty.binary" || name == "tls.pem"
			if part != "all" && (whole || strings.Contains(part, "comment") && name != "secret.yaml") {
				continue
			}
			for kind, to := range sorts {
				if kind != "age" && part != "all" {
					continue // what is encrypted does not depend on for whom
				}
				t.Run(name+"/"+part+"/"+kind, func(t *testing.T) {
					t.Parallel()
					data := s.encrypt(t, name, plain, to.rule(how))
					if !detect.IsEncrypted(data, detect.Format(name)) || part == "all" && strings.Contains(string(data), canary) {
						t.Errorf("it is not encrypted:\n%s", data)
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
