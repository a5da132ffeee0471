package check_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"filippo.io/age"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// A person has a key of age.
type person struct{ public string }

func newPerson(t *testing.T) person {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return person{identity.Recipient().String()}
}

func (p person) held() []recipients.Recipient {
	return []recipients.Recipient{{Kind: recipients.Age, ID: p.public, Key: "a key"}}
}

// encrypted is what sops makes of a text by the rules of a .sops.yaml.
func encrypted(t *testing.T, at, rules, text string) string {
	t.Helper()
	parsed, err := file.ParseRules(".", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	rule, err := parsed.For(at)
	if err != nil {
		t.Fatal(err)
	}
	out, err := file.Encrypt(at, "", secrets.New([]byte(text)), rule, parsed, file.LocalKeys())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// treeOf makes a tree of texts.
func treeOf(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for at, text := range files {
		tree[at] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

// told are findings, one a line: what, where, and the message.
func told(r *check.Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s:%d %s: %s\n", f.Kind, f.Path, f.Line, f.Object, f.Message)
	}
	return b.String()
}

const (
	plainSecret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: s3cr3t-marker\n"
	onlyData    = "^(data|stringData)$"
)

// ofService is a file that only a service can open.
const ofService = `password: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
sops:
    kms:
        - arn: arn:aws:kms:eu-west-1:111122223333:key/abcd
          created_at: "2026-01-01T00:00:00Z"
          enc: YQ==
    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
    version: 3.13.3
`

func TestTree(t *testing.T) {
	own, other := newPerson(t), newPerson(t)
	rule := func(to ...person) string {
		var all []string
		for _, p := range to {
			all = append(all, p.public)
		}
		return fmt.Sprintf("creation_rules:\n- {path_regex: secrets/, encrypted_regex: '%s', age: '%s'}\n", onlyData, strings.Join(all, ","))
	}
	whole := fmt.Sprintf("creation_rules:\n- {path_regex: secrets/, age: %s}\n", own.public)
	known := check.Keys{Held: own.held()}
	for _, tt := range []struct {
		name  string
		files map[string]string
		keys  check.Keys
		want  []string // the beginning of each finding's line, and "*" and a part of it
		sure  bool
	}{
		{"as it is to be", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(own), plainSecret)}, known, nil, true},
		{"without any rule", map[string]string{"a.yaml": encrypted(t, "secrets/a.yaml", whole, plainSecret)}, known, nil, true},
		{
			"for somebody else", map[string]string{".sops.yaml": rule(other), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(other), plainSecret)}, known,
			[]string{"no-key secrets/a.yaml:*no key opens it: it is encrypted for age " + other.public}, true,
		},
		{"for somebody, of whom nothing is known", map[string]string{".sops.yaml": rule(other), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(other), plainSecret)}, check.Keys{Unknown: true}, nil, true},
		{"for a service that this may log in to", map[string]string{"a.yaml": ofService}, check.Keys{Held: own.held(), Ambient: true}, nil, false},
		{"for a service", map[string]string{"a.yaml": ofService}, known, []string{"no-key a.yaml:*arn:aws:kms:eu-west-1:111122223333:key/abcd"}, true},
		{
			"for fewer than the rule says", map[string]string{".sops.yaml": rule(own, other), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(own), plainSecret)}, known,
			[]string{"other-recipients secrets/a.yaml:*.sops.yaml says otherwise: + age " + other.public}, true,
		},
		{
			"for more than the rule says, whoever holds which key", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(own, other), plainSecret)}, check.Keys{Unknown: true},
			[]string{"other-recipients secrets/a.yaml:*- age " + other.public}, true,
		},
		{
			"another part of it", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", whole, plainSecret)}, known,
			[]string{"other-part secrets/a.yaml:*.sops.yaml says"}, true,
		},
		{
			"nothing of it", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": encrypted(t, "secrets/a.yaml", rule(own), "password: s3cr3t-marker\n")}, known,
			[]string{"not-encrypted secrets/a.yaml:*SOPS encrypted nothing in it"}, true,
		},
		{"in clear, and a rule is for it", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": plainSecret}, known, []string{"not-encrypted secrets/a.yaml:*a rule of .sops.yaml is for it"}, true},
		{"in clear, and the rule is for another directory", map[string]string{".sops.yaml": rule(own), "plain/a.yaml": plainSecret}, known, nil, true},
		{"in clear, and the rule is for any file", map[string]string{".sops.yaml": fmt.Sprintf("creation_rules: [{age: %s}]\n", own.public), "secrets/a.yaml": plainSecret}, known, nil, true},
		{"in clear, and no Secret", map[string]string{".sops.yaml": rule(own), "secrets/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"}, known, nil, true},
		{"in clear, and what kustomize reads", map[string]string{".sops.yaml": whole, "secrets/kustomization.yaml": "resources: [a.yaml]\n", "secrets/.gitignore": "x\n", "secrets/Chart.yaml": "name: a\n"}, known, nil, true},
		{"in clear, of variables", map[string]string{".sops.yaml": whole, "secrets/.env": "PASSWORD=s3cr3t-marker\n"}, known, []string{"not-encrypted secrets/.env:*a rule"}, true},
		{
			"beside its own plain text", map[string]string{"db.enc.yaml": encrypted(t, "secrets/db.yaml", rule(own), plainSecret), "db.yaml": plainSecret}, known,
			[]string{"not-encrypted db.yaml:*it holds in clear what db.enc.yaml holds encrypted"}, true,
		},
		{
			"beside a plain text of another name", map[string]string{"db.yaml": encrypted(t, "secrets/db.yaml", rule(own), plainSecret), "db.dec.yaml": plainSecret}, known,
			[]string{"not-encrypted db.dec.yaml:*it holds in clear"}, true,
		},
		{"beside a text that has other values", map[string]string{"db.enc.yaml": encrypted(t, "secrets/db.yaml", rule(own), plainSecret), "db.yaml": "replicas: 3\n"}, known, nil, true},
		{"malformed", map[string]string{"a.yaml": "sops:\n    lastmodified: never\n    mac: x\n"}, known, []string{"malformed a.yaml:*malformed yaml"}, true},
		{"with malformed rules", map[string]string{".sops.yaml": "creation_rules: [\n", "a.txt": "x\n"}, known, []string{"malformed .sops.yaml:*.sops.yaml: malformed"}, true},
		{"by a rule of no key", map[string]string{".sops.yaml": "creation_rules: [{path_regex: secrets/, age: nobody}]\n", "secrets/a.yaml": plainSecret}, known, []string{"malformed secrets/a.yaml:*"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := check.Tree(t.Context(), treeOf(tt.files), ".", walk.Options{}, tt.keys)
			if err != nil {
				t.Fatal(err)
			}
			got := told(r)
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if got == "" {
				lines = nil
			}
			if len(lines) != len(tt.want) {
				t.Fatalf("got\n%swant %q", got, tt.want)
			}
			for i, want := range tt.want {
				begin, part, _ := strings.Cut(want, "*")
				if !strings.HasPrefix(lines[i], begin) || !strings.Contains(lines[i], part) {
					t.Errorf("got %s\nwant %s", lines[i], want)
				}
			}
			if (len(r.Unsure) == 0) != tt.sure {
				t.Errorf("unsure of %v", r.Unsure)
			}
			if strings.Contains(got, "s3cr3t-marker") {
				t.Errorf("it shows a secret:\n%s", got)
			}
		})
	}
}

// What opens files says only whether it does.
func TestOpened(t *testing.T) {
	own := newPerson(t)
	rules := fmt.Sprintf("creation_rules: [{age: %s}]\n", own.public)
	tree := treeOf(map[string]string{"a.yaml": encrypted(t, "a.yaml", rules, plainSecret), "b.json": encrypted(t, "b.json", rules, `{"a": "b"}`)})
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"it opens", nil, ""},
		{"no key", errors.New("a.yaml: no key here opens it"), "no-key a.yaml:0 : no key here opens it\n"},
		{"it was changed", fmt.Errorf("a.yaml: %w", check.ErrDamaged), "damaged a.yaml:0 : damaged\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var opened []string
			keys := check.Keys{Open: func(_ context.Context, at, format string, data []byte) error {
				opened = append(opened, fmt.Sprintf("%s %s %t", at, format, len(data) > 0))
				if at == "a.yaml" {
					return tt.err
				}
				return nil
			}}
			r, err := check.Tree(t.Context(), tree, ".", walk.Options{}, keys)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if all := strings.Join(opened, ", "); all != "a.yaml yaml true, b.json json true" || r.Checked != 2 {
				t.Errorf("it opens %s, of %d", all, r.Checked)
			}
		})
	}
}

func TestGiveUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := check.Tree(ctx, treeOf(map[string]string{"a.yaml": ofService}), ".", walk.Options{}, check.Keys{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSort(t *testing.T) {
	r := &check.Result{Findings: []check.Finding{
		{Kind: "no-key", Path: "b"}, {Kind: "scope", Path: "a", Line: 9}, {Kind: "no-key", Path: "a", Line: 2}, {Kind: "damaged", Path: "a", Line: 2}, {Kind: "no-key", Path: "b"},
	}}
	r.Sort()
	if got, want := told(r), "damaged a:2 : \nno-key a:2 : \nscope a:9 : \nno-key b:0 : \n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
