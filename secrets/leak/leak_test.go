package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// plain has what JSON, HTML and URLs write in other ways.
const plain = `p"s<s w0rd/+7`

func secret(t testing.TB, where, key, value string) Secret {
	t.Helper()
	s, ok := New(where, strings.Split(key, " "), secrets.New([]byte(value)))
	if !ok {
		t.Fatalf("%s is not looked for", key)
	}
	return s
}

func object(t testing.TB, body map[string]any) *manifest.Object {
	t.Helper()
	o, err := manifest.New(body, manifest.Origin{File: "web/all.yaml", Line: 3})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func config(t testing.TB, data map[string]any) *manifest.Object {
	return object(t, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "settings", "namespace": "shop"}, "data": data})
}

func TestCheck(t *testing.T) {
	std, raw := base64.StdEncoding, []byte(plain)
	quoted, _ := json.Marshal(plain)
	for _, tt := range []struct{ name, value, want string }{
		{"as it is", "x" + plain + "y", "has the value"},
		{"alone", plain, "has the value"},
		{"JSON", `{"p":` + string(quoted) + `}`, "has, escaped for JSON, the value"},
		{"JSON, without care for HTML", `{"p":"p\"s<s w0rd/+7"}`, "has, escaped for JSON, the value"},
		{"base64", std.EncodeToString(raw), "has, in base64, the value"},
		{"base64 after one byte", std.EncodeToString([]byte("x" + plain + "yz")), "has, in base64, the value"},
		{"base64 after two bytes", std.EncodeToString([]byte("xx" + plain + "y")), "has, in base64, the value"},
		{"base64 for URLs", base64.RawURLEncoding.EncodeToString([]byte("xx" + plain)), "has, in base64, the value"},
		{"hex", hex.EncodeToString(raw), "has, in hex, the value"},
		{"HEX", strings.ToUpper(hex.EncodeToString(raw)), "has, in hex, the value"},
		{"query", "https://x/?p=" + url.QueryEscape(plain), "has, escaped for a URL, the value"},
		{"path", "https://x/" + url.PathEscape(plain), "has, escaped for a URL, the value"},
		{"a part of it", plain[:len(plain)-1], ""},
		{"another", "all is well", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gate := NewGate([]Secret{secret(t, "web/db.yaml", "data password", plain)}, nil)
			leaks := gate.Check(manifest.Set{config(t, map[string]any{"url": tt.value})})
			if tt.want == "" {
				if len(leaks) > 0 {
					t.Errorf("it finds %s", leaks)
				}
				return
			}
			want := "ConfigMap shop/settings (web/all.yaml:3): data.url " + tt.want + " of data.password of web/db.yaml"
			if leaks.Error() != want {
				t.Errorf("got  %s\nwant %s", leaks, want)
			}
		})
	}
}

// Where in an object it is found, and what is not looked at.
func TestFields(t *testing.T) {
	const value = "hunter2hunter2"
	meta := func() map[string]any { return map[string]any{"name": "x", "namespace": "shop"} }
	pod := func(spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta(), "spec": spec}
	}
	noted := meta()
	noted["annotations"] = map[string]any{"example.com/a": value}
	named := meta()
	named["name"] = "x-" + value
	for _, tt := range []struct {
		name string
		body map[string]any
		want []string
	}{
		{"an item", pod(map[string]any{"containers": []any{map[string]any{"env": []any{map[string]any{}, map[string]any{"value": "a " + value}}}}}), []string{"spec.containers[0].env[1].value"}},
		{"an annotation", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": noted}, []string{`metadata.annotations["example.com/a"]`}},
		{"a key", pod(map[string]any{"nodeSelector": map[string]any{value: "yes"}}), []string{"a key of spec.nodeSelector"}},
		{"below such a key", pod(map[string]any{value: map[string]any{"b": "c"}}), []string{"a key of spec"}},
		{"the name", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": named}, []string{"metadata.name"}},
		{"binaryData", map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(), "binaryData": map[string]any{
			"a.bin": base64.StdEncoding.EncodeToString([]byte("\x00\x01" + hex.EncodeToString([]byte(value)))),
		}}, []string{`binaryData["a.bin"]`}},
		{"a Secret's data", map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": meta(), "stringData": map[string]any{"a": value}}, nil},
		{"a Secret's annotation", map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": noted, "stringData": map[string]any{"a": value}}, []string{`metadata.annotations["example.com/a"]`}},
		{"a Secret of another group", map[string]any{"apiVersion": "example.com/v1", "kind": "Secret", "metadata": meta(), "stringData": map[string]any{"a": value}}, []string{"stringData.a"}},
		{"twice", pod(map[string]any{"a": value, "b": value + value}), []string{"spec.a", "spec.b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leaks := NewGate([]Secret{secret(t, "db.yaml", "password", value)}, nil).Check(manifest.Set{object(t, tt.body)})
			var got []string
			for _, l := range leaks {
				got = append(got, l.Field)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if text := leaks.Error(); strings.Contains(text, value) {
				t.Errorf("the message tells it: %s", text)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	pin := secret(t, "db.yaml", "pin", "1234567890")
	o := object(t, map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "x"}, "spec": map[string]any{"activeDeadlineSeconds": int64(1234567890)}})
	if leaks := NewGate([]Secret{pin}, nil).Check(manifest.Set{o}); len(leaks) != 1 || leaks[0].Field != "spec.activeDeadlineSeconds" {
		t.Errorf("got %v", leaks)
	}
}

// What a Secret's manifest has as base64 is looked for as it decodes, too.
func TestBase64Value(t *testing.T) {
	s := secret(t, "db.yaml", "data password", base64.StdEncoding.EncodeToString([]byte("hunter2hunter2")))
	gate := NewGate([]Secret{s}, nil)
	for _, text := range []string{"hunter2hunter2", base64.StdEncoding.EncodeToString([]byte("hunter2hunter2"))} {
		if leaks := gate.Check(manifest.Set{config(t, map[string]any{"a": text})}); len(leaks) != 1 {
			t.Errorf("got %v", leaks)
		}
	}
}

func TestShort(t *testing.T) {
	for value, want := range map[string]bool{"1234567": false, "12345678": true, " 1234567\n": false, "": false, "        ": false} {
		if _, ok := New("a", []string{"b"}, secrets.New([]byte(value))); ok != want {
			t.Errorf("%q is looked for: %t, want %t", value, ok, want)
		}
	}
	s := secret(t, "a", "b", "  12345678 \n")
	if len(NewGate([]Secret{s}, nil).Check(manifest.Set{config(t, map[string]any{"a": "x12345678y"})})) != 1 {
		t.Error("space around a value hides it")
	}
}

func TestAllowed(t *testing.T) {
	all := []Secret{
		secret(t, "values.yaml", "database stage", "production"), secret(t, "values.yaml", "hosts [0]", "shop.example.com"),
		secret(t, "values.yaml", "mail tls.crt", "certificate"),
	}
	file, _ := New("web/key.pem", nil, secrets.New([]byte("a whole file")))
	all = append(all, file)
	set := manifest.Set{config(t, map[string]any{"stage": "production", "host": "shop.example.com", "crt": "certificate", "file": "a whole file"})}
	for _, tt := range []struct {
		allowed []string
		want    string
	}{
		{nil, "[hosts key.pem stage tls.crt]"},
		{[]string{"stage"}, "[hosts key.pem tls.crt]"},
		{[]string{"database.stage", "hosts"}, "[key.pem tls.crt]"},
		{[]string{"hosts[0]", "tls.crt", "key.pem"}, "[stage]"},
		{[]string{"values.yaml"}, "[key.pem]"},
		{[]string{"production", "database", "crt", "a whole file"}, "[hosts key.pem stage tls.crt]"}, // never by the value
	} {
		if got := fmt.Sprint(NewGate(all, tt.allowed).Check(set).Keys()); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.allowed, got, tt.want)
		}
	}
}

// A message tells at most a handful, and nothing of a value that is part of a name.
func TestMessage(t *testing.T) {
	value := secret(t, "db.yaml", "stage", "production")
	var set manifest.Set
	for i := range 7 {
		set = append(set, object(t, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("a%d-production", i)}}))
	}
	got := NewGate([]Secret{value}, nil).Check(set).Error()
	if want := "ConfigMap a0-(hidden) (web/all.yaml:3): metadata.name has the value of stage of db.yaml\n"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nand 2 more") {
		t.Errorf("got %s", got)
	}
}

// A Secret is how to know a value, and cannot give it away.
func TestSecretHoldsNoValue(t *testing.T) {
	s := secret(t, "db.yaml", "password", "hunter2hunter2")
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", s, s, s), fmt.Sprintf("%x", s)} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, hex.EncodeToString([]byte("hunter2"))) {
			t.Errorf("it prints %s", text)
		}
	}
}

// Text that takes for ever to compare is a hit, not a way to stop the agent.
func TestHostile(t *testing.T) {
	value := strings.Repeat("a", 1<<19) + "b"
	gate := NewGate([]Secret{secret(t, "a", "b", value)}, nil)
	text := strings.Repeat("a", 1<<20)
	if leaks := gate.Check(manifest.Set{config(t, map[string]any{"a": text})}); len(leaks) != 1 {
		t.Errorf("got %d leaks", len(leaks))
	}
	ordinary := NewGate([]Secret{secret(t, "a", "b", "aaaaaaaaab")}, nil)
	if leaks := ordinary.Check(manifest.Set{config(t, map[string]any{"a": text})}); len(leaks) != 0 {
		t.Errorf("got %d leaks of what is not there", len(leaks))
	}
}

func TestKnown(t *testing.T) {
	var k Known
	if got := k.Redact("hunter2hunter2"); got != "hunter2hunter2" {
		t.Errorf("it knows nothing, and says %q", got)
	}
	k.Set("shop", []Secret{secret(t, "a", "b", "hunter2hunter2"), secret(t, "a", "c", "hunter2hunter2-long")})
	k.Set("blog", []Secret{secret(t, "a", "b", "correct-horse"), secret(t, "a", "c", "hunter2hunter2")})
	const text = "hunter2hunter2 hunter2hunter2-long correct-horse " // and in base64
	in := text + base64.StdEncoding.EncodeToString([]byte("correct-horse"))
	for _, tt := range []struct{ name, got, want string }{
		{"all", k.Redact(in), "(hidden) (hidden) (hidden) (hidden)="},
		{"shop", k.RedactOf("shop", text), "(hidden) (hidden) correct-horse "},
		{"blog", k.RedactOf("blog", text), "(hidden) (hidden)-long (hidden) "},
		{"another", k.RedactOf("other", text), text},
		{"nothing to hide", k.Redact("all is well"), "all is well"},
	} {
		if strings.TrimRight(tt.got, "=") != strings.TrimRight(tt.want, "=") && !strings.HasPrefix(tt.got, strings.TrimRight(tt.want, "=")) {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	k.Forget("shop")
	if got := k.Redact(text); got != "(hidden) (hidden)-long (hidden) " {
		t.Errorf("after shop is gone: %q", got)
	}
	k.Forget("blog")
	if got := k.Redact(text); got != text {
		t.Errorf("after all are gone: %q", got)
	}
	if len(k.table.heads) != 0 {
		t.Errorf("%d needles are left", len(k.table.heads))
	}
}

// FuzzGate plants a value somewhere, in every form, and finds it; and finds
// nothing where encoding/json says that it is not.
func FuzzGate(f *testing.F) {
	f.Add([]byte(plain), "before ", " after")
	f.Add([]byte("12345678"), `\"`, "\\")
	f.Add([]byte("\x00\xff\"\\\n<>&é-"), "", "")
	f.Fuzz(func(t *testing.T, value []byte, before, after string) {
		s, ok := New("a", []string{"b"}, secrets.New(value))
		if !ok {
			return
		}
		gate := NewGate([]Secret{s}, nil)
		for _, w := range forms(bytes.TrimSpace(value)) {
			if text := before + string(w.text) + after; !gate.holds([]byte(text)) {
				t.Errorf("%q is not found in %q", w.text, text)
			}
		}
		raw, err := json.Marshal(map[string]any{before: []any{after, string(value), 1.5}})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		texts(raw, func(text []byte) bool { found = append(found, string(text)); return false })
		var whole, want string
		for _, text := range []string{before, after, string(value)} {
			quoted, _ := json.Marshal(text)
			_ = json.Unmarshal(quoted, &want)
			whole = strings.Join(found, "\x00")
			if !strings.Contains(whole, want) {
				t.Errorf("the texts of %s lack %q: %q", raw, want, found)
			}
		}
	})
}

// A thousand objects of 2 KiB, two hundred values.
func BenchmarkCheck(b *testing.B) {
	var all []Secret
	for i := range 200 {
		all = append(all, secret(b, "db.yaml", "password", fmt.Sprintf("%032x-%d", i*7919, i)))
	}
	filler := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 40)
	var set manifest.Set
	size := 0
	for i := range 1000 {
		set = append(set, object(b, map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("c%d", i), "labels": map[string]any{"app": "web"}},
			"data": map[string]any{"text": filler, "lines": "a\nb\nc: \"d\"\n", "n": fmt.Sprint(i)},
		}))
		size += set[i].Size()
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		if leaks := NewGate(all, nil).Check(set); leaks != nil {
			b.Fatal(leaks)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	value := secrets.New([]byte("correct-horse-battery-staple-12"))
	for b.Loop() {
		New("db.yaml", nil, value)
	}
}

func TestErrorOf(t *testing.T) {
	var k Known
	k.Set("shop", []Secret{secret(t, "a", "b", "hunter2hunter2")})
	err := fmt.Errorf("login with hunter2hunter2: %w", fs.ErrPermission)
	got := k.ErrorOf("shop", err)
	if got.Error() != "login with (hidden): permission denied" || !errors.Is(got, fs.ErrPermission) {
		t.Errorf("got %v", got)
	}
	if k.ErrorOf("blog", err) != err || (*Known)(nil).ErrorOf("shop", err) != err || k.ErrorOf("shop", nil) != nil { //nolint:errorlint // the very same
		t.Error("nothing to take out must change nothing")
	}
}

// A log line loses the values, and not who it is about.
func TestLog(t *testing.T) {
	var k Known
	k.Set("shop", []Secret{secret(t, "a", "b", "production"), secret(t, "a", "c", `s"cret-text`)})
	var out bytes.Buffer
	own := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: k.Attr}))
	foreign := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: k.ForeignAttr}))
	own.Info("nothing", "error", (*redacted)(nil))
	own.With("stage", "in production").Info("production", "application", "production", "error", errors.New(`bad s"cret-text`),
		"list", []string{"a", "production"}, "n", 12345678, slog.Group("g", "deep", "xproductionx"))
	foreign.Error("cannot reach production", "application", "production")
	text := out.String()
	for _, want := range []string{
		`"msg":"production","stage":"in (hidden)","application":"production","error":"bad (hidden)","list":"[\"a\",\"(hidden)\"]","n":12345678,"g":{"deep":"x(hidden)x"}`,
		`"msg":"cannot reach (hidden)","application":"(hidden)"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}
