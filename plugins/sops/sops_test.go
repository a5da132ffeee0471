package sops_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// longHash is an unkeyed hash of plain text, as SOPS prints it. Recipients have
// fewer characters of that kind, or others between them.
var longHash = regexp.MustCompile(`(?i)\b[0-9a-f]{41,}\b`)

const plainYAML = `apiVersion: v1
kind: Secret
metadata:
    name: db
stringData:
    password: ` + canary + `
    user: shop
    list:
        - x
        - y
`

func TestRefusals(t *testing.T) {
	h := newHost(t)
	s := newTool(t)
	other, _ := newKey(t, "Secret argocd/sops-age, key other.agekey")
	key, recipient := newKey(t, "demo.agekey")
	good := s.encrypt(t, "a.yaml", plainYAML, map[string]any{"age": recipient, "encrypted_regex": "^(data|stringData)$"})
	whole := s.encrypt(t, "a.yaml", plainYAML, map[string]any{"age": recipient})
	two := s.encrypt(t, "a.yaml", "a: 1\n---\nb: 2\n", map[string]any{"age": recipient})
	jsonFile := s.encrypt(t, "a.json", `{"a": "`+canary+`", "b": "x"}`, map[string]any{"age": recipient})
	env := s.encrypt(t, "a.env", "A="+canary+"\nB=c\n", map[string]any{"age": recipient})
	ini := s.encrypt(t, "a.ini", "[db]\na = "+canary+"\n", map[string]any{"age": recipient})
	binary := s.encrypt(t, "a.bin", canary, map[string]any{"age": recipient})

	in := func(data []byte, pattern, now string) []byte {
		t.Helper()
		re := regexp.MustCompile(pattern)
		if !re.Match(data) {
			t.Fatalf("no %q in\n%s", pattern, data)
		}
		return re.ReplaceAll(data, []byte(now))
	}
	hckms := in(good, `(?s)    age:\n.*    encrypted_regex`, "    hckms:\n        - key_id: tr-west-1:abc\n          created_at: \"2026-01-01T00:00:00Z\"\n          enc: aaaa\n    encrypted_regex")
	value := func(name string) string {
		return string(regexp.MustCompile(`(?m)^ +` + name + `: (ENC.*)$`).FindSubmatch(good)[1])
	}
	swapped := strings.NewReplacer(value("password"), value("user"), value("user"), value("password")).Replace(string(good))
	for _, tt := range []struct {
		name, file string
		data       []byte
		keys       []sdk.Key
		is         error
		says       string
	}{
		{"no keys", "a.yaml", good, nil, sdk.ErrNoKey, "encrypted with SOPS for " + recipient + "; there are no keys"},
		{"wrong recipient", "a.yaml", good, []sdk.Key{other}, sdk.ErrNoKey, "encrypted with SOPS for " + recipient + "; none of these keys opens it: Secret argocd/sops-age, key other.agekey (age1"},
		{"a service that is not supported", "a.yaml", hckms, []sdk.Key{other}, sdk.ErrNoKey, "encrypted with SOPS for hckms tr-west-1:abc, which is not supported; none of these"},
		{"a name changed", "a.yaml", in(good, `name: db`, "name: dbx"), []sdk.Key{key}, sops.ErrDamaged, "its authentication code (sops.mac) is not that of its content: something was added, taken out, reordered or edited without sops"},
		{"a value added", "a.yaml", in(good, `(?m)^sops:`, "more: x\nsops:"), []sdk.Key{key}, sops.ErrDamaged, "(sops.mac) is not that of its content"},
		{"a value taken out", "a.yaml", in(whole, `(?m)^    user: .*\n`, ""), []sdk.Key{key}, sops.ErrDamaged, "(sops.mac) is not that of its content"},
		{"items reordered", "a.yaml", in(good, `(?m)^( +- ENC.*\n)( +- ENC.*\n)`, "$2$1"), []sdk.Key{key}, sops.ErrDamaged, "reordered"},
		{"the code swapped for another file's", "a.yaml", in(good, `mac: ENC.*`, string(regexp.MustCompile(`mac: ENC.*`).Find(whole))), []sdk.Key{key}, sops.ErrDamaged, "(sops.mac) or its time (sops.lastmodified) was edited"},
		{"the time edited", "a.yaml", in(good, `lastmodified: "20\d\d`, `lastmodified: "1999`), []sdk.Key{key}, sops.ErrDamaged, "sops.lastmodified"},
		{"values swapped", "a.yaml", []byte(swapped), []sdk.Key{key}, sops.ErrDamaged, `"stringData.password" holds what was encrypted as "stringData.user": values were swapped, or keys renamed`},
		{"a key renamed", "a.yaml", in(good, `    user:`, "    login:"), []sdk.Key{key}, sops.ErrDamaged, `"stringData.login" was changed`},
		{"a value changed", "a.yaml", in(good, `password: ENC\[AES256_GCM,data:`, "password: ENC[AES256_GCM,data:AAAA"), []sdk.Key{key}, sops.ErrDamaged, `"stringData.password" was changed`},
		{"a value cut off", "a.yaml", in(good, `(password: ENC.{30}).*`, "$1"), []sdk.Key{key}, sops.ErrDamaged, `"stringData.password" ought to be encrypted and is not, or was cut off`},
		{"a value put in plain", "a.yaml", in(good, `password: ENC.*`, "password: "+canary+"2"), []sdk.Key{key}, sops.ErrDamaged, `"stringData.password" ought to be encrypted and is not`},
		{"a number put in plain", "a.yaml", in(good, `password: ENC.*`, "password: 12345678"), []sdk.Key{key}, sops.ErrDamaged, "a value that ought to be encrypted is none that SOPS wrote"},
		{"data key damaged", "a.yaml", in(good, `(BEGIN AGE ENCRYPTED FILE-----\n +)`, "${1}AAAA"), []sdk.Key{key}, sops.ErrDamaged, "its data key for " + recipient + " (sops.age)"},
		{"a key twice", "a.yaml", in(good, `(?m)^kind: .*\n`, "kind: Secret\nkind: Secret\n"), []sdk.Key{key}, sops.ErrDuplicate, `duplicate key "kind": take one of the two out`},
		{"a key twice in a later document", "a.yaml", in(two, `(?m)^(b: .*\n)`, "$1$1"), []sdk.Key{key}, sops.ErrDuplicate, `"b"`},
		{"a document put before", "a.yaml", []byte("x: 1\n---\n" + string(good)), []sdk.Key{key}, sops.ErrMalformed, "its first document has no SOPS metadata: was one put before it?"},
		{"a document put behind", "a.yaml", []byte(string(good) + "---\nx: 1\n"), []sdk.Key{key}, sops.ErrDamaged, "(sops.mac) is not that of its content"},
		{"a document taken out", "a.yaml", in(two, `(?s)\n---\n.*`, "\n"), []sdk.Key{key}, sops.ErrDamaged, "(sops.mac) is not that of its content"},
		{"metadata twice", "a.yaml", in(good, `(?m)^( +mac: .*\n)`, "$1$1"), []sdk.Key{key}, sops.ErrDuplicate, `"sops.mac"`},
		{"a key twice in JSON", "a.json", in(jsonFile, `"b": `, `"a": "x", "b": `), []sdk.Key{key}, sops.ErrDuplicate, `"a"`},
		{"a key twice in dotenv", "a.env", in(env, `(?m)^(B=.*\n)`, "$1$1"), []sdk.Key{key}, sops.ErrDuplicate, `"B"`},
		{"a key twice in INI", "a.ini", in(ini, `(?m)^(a += .*\n)`, "$1$1"), []sdk.Key{key}, sops.ErrDuplicate, `"db.a"`},
		{"a key twice in binary", "a.bin", in(binary, `"data": `, `"data": "x", "data": `), []sdk.Key{key}, sops.ErrDuplicate, `"data"`},
		{"not encrypted", "a.yaml", []byte(plainYAML), []sdk.Key{key}, sops.ErrNotEncrypted, "it is not encrypted with SOPS"},
		{"no YAML", "a.yaml", []byte("a: [" + canary), []sdk.Key{key}, sops.ErrMalformed, "it is not YAML: cut off, or merged by hand?"},
		{"cut off in JSON", "a.json", jsonFile[:len(jsonFile)-10], []sdk.Key{key}, sops.ErrMalformed, "it is not JSON: cut off"},
		{"cut off in binary", "a.bin", binary[:len(binary)-10], []sdk.Key{key}, sops.ErrMalformed, "it is not JSON, as SOPS writes of binary files: cut off"},
		{"cut off before the code", "a.yaml", regexp.MustCompile(`(?s)    mac: .*`).ReplaceAll(good, nil), []sdk.Key{key}, sops.ErrMalformed, "mac is missing: cut off?"},
		{"the rule taken out", "a.yaml", in(good, `(?m)^    encrypted_regex: .*\n`, ""), []sdk.Key{key}, sops.ErrDamaged, `"apiVersion" ought to be encrypted and is not`},
		{"no time", "a.yaml", in(good, "lastmodified: .", "lastmodified: x"), []sdk.Key{key}, sops.ErrMalformed, "its SOPS metadata cannot be read: a time (lastmodified, created_at) is none"},
		{"no recipients", "a.yaml", in(good, `(?s)    age:\n.*    lastmodified`, "    lastmodified"), []sdk.Key{key}, sops.ErrMalformed, "it names no recipient"},
		{"two rules", "a.yaml", in(good, `    encrypted_regex`, "    encrypted_suffix: x\n    encrypted_regex"), []sdk.Key{key}, sops.ErrMalformed, "more than one of encrypted_suffix"},
		{"a rule that is none", "a.yaml", in(good, `encrypted_regex: .*`, "encrypted_regex: '('"), []sdk.Key{key}, sops.ErrMalformed, "encrypted_regex is no regular expression"},
		{"metadata of another type", "a.yaml", in(good, `mac: .*`, "mac: [x]"), []sdk.Key{key}, sops.ErrMalformed, "a field is missing, or of another type than SOPS writes"},
		{"an unknown format", "a.yaml", nil, []sdk.Key{key}, nil, `unknown format "toml"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := &sdk.DecryptRequest{Application: "shop", Path: tt.file, Data: tt.data, Keys: tt.keys}
			if tt.is == nil {
				req.Format = "toml"
			}
			plain, direct := sops.Decrypter{}.Decrypt(context.Background(), req)
			if plain != nil || direct == nil || tt.is != nil && !errors.Is(direct, tt.is) {
				t.Fatalf("got %q, %v; want %v", plain, direct, tt.is)
			}
			_, err := h.Decrypt(context.Background(), open.Local, req)
			for _, part := range []string{tt.says, "plugin sops: decrypt of application shop: " + tt.file + ": "} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want it to say %q", err, part)
				}
			}
			if errors.Is(tt.is, sdk.ErrNoKey) != errors.Is(err, sdk.ErrNoKey) {
				t.Errorf("through the host: %v, want %v", err, tt.is)
			}
			if text := err.Error(); strings.Contains(text, canary) || longHash.MatchString(text) {
				t.Errorf("the error tells too much: %s", text)
			}
		})
	}
}

// TestGroups recovers keys of key groups: as many as the file wants, and no fewer.
func TestGroups(t *testing.T) {
	s, h := newTool(t), newHost(t)
	a, forA := newKey(t, "a.agekey")
	b, forB := newKey(t, "b.agekey")
	c, forC := newKey(t, "c.agekey")
	group := func(of ...string) any { return map[string]any{"age": of} }
	data := s.encrypt(t, "a.yaml", "a: "+canary+"\n", map[string]any{"shamir_threshold": 2, "key_groups": []any{group(forA), group(forB), group(forC, forA)}})
	for name, tt := range map[string]struct {
		keys []sdk.Key
		says string // "" if it opens
	}{
		"none":                 {nil, "encrypted with SOPS for 2 of 3 groups: (" + forA + ") (" + forB + ") (" + forC + ", " + forA + "); there are no keys"},
		"one of two":           {[]sdk.Key{b}, "; of which group 2 could be opened; none of these keys opens it: b.agekey (" + forB + ")"},
		"two":                  {[]sdk.Key{b, c}, ""},
		"one key of two":       {[]sdk.Key{a}, ""},
		"all":                  {[]sdk.Key{c, b, a}, ""},
		"the first and second": {[]sdk.Key{a, b}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decrypt(h, "a.yaml", data, tt.keys...)
			if tt.says == "" && (err != nil || got != "a: "+canary+"\n") {
				t.Errorf("got %q, %v", got, err)
			}
			if tt.says != "" && (!errors.Is(err, sdk.ErrNoKey) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
		})
	}
	wrong := bytes.Replace(data, []byte("shamir_threshold: 2"), []byte("shamir_threshold: 9"), 1)
	if _, err := decrypt(h, "a.yaml", wrong, a); err == nil || !strings.Contains(err.Error(), "shamir_threshold is 9, of 3 key groups") {
		t.Errorf("got %v", err)
	}
}

// FuzzDecrypt feeds the parsers, which may panic, and the checks before them.
// Nothing plain comes with an error, nor what was not authenticated.
func FuzzDecrypt(f *testing.F) {
	s := newTool(f)
	key, recipient := newKey(f, "demo.agekey")
	for name, plain := range texts {
		f.Add(s.encrypt(f, name, plain, map[string]any{"age": recipient}), name)
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		req := &sdk.DecryptRequest{Path: name, Data: data, Keys: []sdk.Key{key}}
		plain, err := sops.Decrypter{}.Decrypt(context.Background(), req)
		if err != nil && plain != nil {
			t.Errorf("an error came with %d bytes", len(plain))
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error tells too much: %v", err)
		}
		answers, err := sops.Services{}.Decrypt(context.Background(), req)
		if err == nil && string(answers) != "{}" {
			t.Errorf("services answered %s without a login", answers)
		}
	})
}

// FuzzKeys feeds the readers of keys.
func FuzzKeys(f *testing.F) {
	s := newTool(f)
	key, recipient := newKey(f, "demo.agekey")
	f.Add([]byte(key.Material), "age")
	f.Add([]byte(newSSH(f, "ed25519").key.Material), "age")
	f.Add([]byte(newPGPInGo(f, "").key.Material), "pgp")
	f.Add([]byte(`{"opened":[{"encrypted":"x","part":"AAAA"}]}`), "answers")
	data := s.encrypt(f, "a.yaml", "a: b\n", map[string]any{"age": recipient})
	f.Fuzz(func(t *testing.T, material []byte, kind string) {
		if bytes.Equal(material, key.Material) {
			return
		}
		plain, err := sops.Decrypter{}.Decrypt(context.Background(), &sdk.DecryptRequest{
			Path: "a.yaml", Data: data, Keys: []sdk.Key{{Kind: kind, Name: "k", Material: material}},
		})
		if err == nil && !bytes.Contains(material, bytes.TrimSpace(bytes.SplitN(key.Material, []byte("\n"), 2)[1])) {
			t.Errorf("%q opened it: %s", material, plain)
		}
	})
}

func BenchmarkPlugin(b *testing.B) {
	h := pluginstest.Host(b, host.Spec{Name: open.Local})
	key, recipient := newKey(b, "demo.agekey")
	data := newTool(b).encrypt(b, "secret.yaml", texts["secret.yaml"], map[string]any{"age": recipient, "encrypted_regex": "^(data|stringData)$"})
	if _, err := decrypt(h, "secret.yaml", data, key); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := decrypt(h, "secret.yaml", data, key); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range h.Processes() {
		b.ReportMetric(float64(p.PSS>>10)/1024, "pss-MB")
	}
}
