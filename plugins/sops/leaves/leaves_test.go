package leaves_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/plugins/sops/leaves"
)

// SOPS itself encrypts: all of a file, or what a rule says.
func TestOf(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, rule, plain, want string }{
		{
			"a Secret, its data", "db.yaml", "encrypted_regex: ^(data|stringData)$",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData:\n  user: shop # the user\n  key: |\n    a\n    b\n",
			"stringData.key=\"a\\nb\\n\" stringData.user=\"shop\"",
		},
		{
			"a Secret, all of it but its name", "db.yaml", "",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: database, annotations: {a: b}}\ntype: kubernetes.io/basic-auth\nstringData: {password: hunter2}\n",
			`stringData.password="hunter2"`,
		},
		{
			"another object, all of it but its name", "app.yaml", "",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3, type: fast}\n",
			`spec.replicas="3" spec.type="fast"`,
		},
		{
			"a list of objects", "list.yaml", "",
			"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: b}}\n",
			`items[0].stringData.a="b"`,
		},
		{
			"values", "values.yaml", "unencrypted_suffix: _open",
			"database: {host: db.example.com, port: 5432, tls: true, ratio: 1.50, stage_open: live}\nhosts: [a.example.com, {b: c}]\n",
			`database.host="db.example.com" database.port="5432" database.ratio="1.50" database.tls="true" hosts[0]="a.example.com" hosts[1].b="c"`,
		},
		{"several documents", "two.yaml", "encrypted_regex: ^p$", "p: one\nq: x\n---\np: two\n", `p="one" p="two"`},
		{"nothing encrypted", "none.yaml", "encrypted_regex: ^nothing$", "a: b\n", ""},
		{"empty values", "empty.yaml", "", "a: \"\"\nb: null\nc: d\n", `c="d"`},
		{"JSON", "values.json", "", `{"database": {"host": "db.example.com", "port": 12345678901, "list": ["x", {"y": "<z>"}]}}`,
			`database.host="db.example.com" database.list[0]="x" database.list[1].y="<z>" database.port="12345678901"`},
		{"a Secret in JSON", "s.json", "", `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "data": {"a": "aHVudGVyMg=="}}`, `data.a="aHVudGVyMg=="`},
		{"dotenv", ".env", "", "# note\nUSER=shop\nPASSWORD=\"hun=ter2\"\nLINES=a\\nb\n", `LINES="a\\nb" LINES="a\nb" PASSWORD="hun=ter2" USER="shop"`},
		{"INI", "app.ini", "", "top = 1\n[db]\npassword = hunter2\nhost = db.example.com\n", `db.host="db.example.com" db.password="hunter2" top="1"`},
		{"anything", "key.pem", "", "-----BEGIN x-----\nabc\n", "=\"-----BEGIN x-----\\nabc\\n\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			rule := fmt.Sprintf("creation_rules:\n- age: %s\n  %s\n", identity.Recipient(), tt.rule)
			if err := os.WriteFile(filepath.Join(root, ".sops.yaml"), []byte(rule), 0o600); err != nil {
				t.Fatal(err)
			}
			cipher, err := testenv.EncryptSOPS(root, tt.file, []byte(tt.plain))
			if err != nil {
				t.Fatal(err)
			}
			if got := listed(leaves.Of(detect.Format(tt.file), cipher, []byte(tt.plain))); got != tt.want {
				t.Errorf("\n got %s\nwant %s\nof\n%s", got, tt.want, cipher)
			}
		})
	}
}

func listed(found []leaves.Leaf) string {
	var list []string
	for _, leaf := range found {
		list = append(list, strings.ReplaceAll(strings.Join(leaf.Path, "."), ".[", "[")+fmt.Sprintf("=%q", leaf.Value.Reveal()))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// What cannot be compared is one value: nothing of it may show.
func TestNotComparable(t *testing.T) {
	for _, tt := range []struct{ name, format, cipher, plain string }{
		{"no YAML", "yaml", "a: ENC[x]\nsops: {}\n", "\t- {"},
		{"fewer documents", "yaml", "a: ENC[x]\n---\na: ENC[x]\n", "a: b\n"},
		{"no JSON", "json", `{"a": "ENC[x]"}`, "{"},
		{"no INI", "ini", "[a", "b"},
		{"another format", "toml", "a", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := leaves.Of(tt.format, []byte(tt.cipher), []byte(tt.plain))
			if len(found) != 1 || found[0].Path != nil || string(found[0].Value.Reveal()) != tt.plain {
				t.Errorf("got %s", listed(found))
			}
		})
	}
}

// Text that was made to be hard to read does not stop whoever reads it.
func FuzzOf(f *testing.F) {
	f.Add("yaml", []byte("a: ENC[x]\nb: [ENC[x]]\n"), []byte("a: b\nb: [c]\n"))
	f.Add("json", []byte(`{"a": "ENC[x]"}`), []byte(`{"a": 1}`))
	f.Add("ini", []byte("[a]\nb = ENC[x]"), []byte("[a]\nb = c"))
	f.Add("dotenv", []byte("A=ENC[x]"), []byte("A=\""))
	f.Fuzz(func(t *testing.T, format string, cipher, plain []byte) {
		for _, leaf := range leaves.Of(format, cipher, plain) {
			if strings.Contains(fmt.Sprint(leaf), "(hidden") == false {
				t.Errorf("a leaf prints: %v", leaf)
			}
		}
	})
}
