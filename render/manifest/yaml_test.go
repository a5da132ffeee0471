package manifest

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

var yamlSeeds = []string{
	"a: y\nb: 'y'\nc: 1e3\nd: 0o14\ne: 014\nf: 1_000\ng: 2001-01-01\nh: ~\n",
	"1: a\n1.5: b\ntrue: c\n0x10: d\n",
	"a: 18446744073709551615\nb: -9223372036854775808\nc: 9223372036854775808\nd: 1.0\ne: 1e21\nf: -0.0\n",
	"a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
	"a: |\n  x\n  y\nb: >-\n  x\n  y\nc: \"\\x00\\u2028\"\n",
	"a: !!binary aGk=\nb: !!str 1\nc: !!float 1\n",
	"[a, {b: c}]",
	`{"a": [1, 1.0, -0, 1e400, "\ud800", null, true]}`,
	"a: .nan\n",
	"? [a]\n: b\n",
}

// decode reads YAML as Kubernetes does: by sigs.k8s.io/yaml, then as JSON. The
// two differ in what is refused only: keys that become the same text.
func FuzzDecode(f *testing.F) {
	for _, seed := range yamlSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode(text)
		if errors.Is(err, ErrLimit) {
			return
		}
		raw, wantErr := yaml.YAMLToJSON(text)
		var want any
		if wantErr == nil {
			wantErr = utiljson.Unmarshal(raw, &want)
		}
		if err != nil {
			if wantErr == nil && err.Error() != ErrInvalid.Error()+": two keys of one map are the same text" {
				t.Fatalf("decode(%q): %v, but kubectl reads %s", text, err, raw)
			}
			return
		}
		if wantErr != nil {
			if utiljson.Unmarshal(text, &want) != nil { // JSON is read as JSON
				t.Fatalf("decode(%q) = %v, but kubectl says %v", text, got, wantErr)
			}
			return
		}
		if !reflect.DeepEqual(normal(t, got), normal(t, want)) {
			t.Fatalf("decode(%q)\n got %#v\nwant %#v", text, got, want)
		}
	})
}

// normal takes v through JSON, as sealing an object does.
func normal(t *testing.T, v any) (out any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = utiljson.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestValues spells out what kubectl and Argo CD make of values that people trip
// over.
func TestValues(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"YAML 1.1 booleans", "[yes, no, on, off, True, y, n, 'yes']", `[true,false,true,false,true,true,false,"yes"]`},
		{"octal", "[0644, 0o644, 08, '0644']", `[420,420,8,"0644"]`},
		{"hexadecimal and binary", "[0x1F, 0b101, 1_000]", `[31,5,1000]`},
		{"sexagesimal", "[22:22, 1:30]", `["22:22","1:30"]`},
		{"numbers of JSON", "[1e3, 1.0, 1.50, -0.0, 1e400]", `[1000,1,1.5,0,"1e400"]`},
		{"large", "[9223372036854775807, -9223372036854775808]", `[9223372036854775807,-9223372036854775808]`},
		{"beyond int64", "[9223372036854775808, 18446744073709551616]", `[9223372036854776000,18446744073709552000]`},
		{"not a number", "{a: .NaN}", ""},
		{"infinity", "{a: -.inf}", ""},
		{"nothing", "{a: , b: ~, c: null, d: Null, e: ''}", `{"a":null,"b":null,"c":null,"d":null,"e":""}`},
		{"date", "{a: 2001-01-01, b: 2001-01-01T00:00:00Z}", `{"a":"2001-01-01","b":"2001-01-01T00:00:00Z"}`},
		{"keys that are no text", "{1: a, true: b, 1.5: c, yes: d}", `{"1":"a","1.5":"c","true":"d"}`},
		{"anchors and merge keys", "a: &a {x: 1, z: 1}\nb: {<<: *a, z: 2}\nc: *a\n", `{"a":{"x":1,"z":1},"b":{"x":1,"z":2},"c":{"x":1,"z":1}}`},
		{"a coordinate", "{x: 1, y: 2}", `{"true":2,"x":1}`},
		{"binary", "a: !!binary aGk=", `{"a":"hi"}`},
		{"block texts", "a: |+\n  x\n\nb: >-\n  x\n  y\n", `{"a":"x\n\n","b":"x y"}`},
		{"escapes", `{a: "\x41\u00e9\t"}`, `{"a":"Aé\t"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decode([]byte(tt.in))
			text := ""
			if err == nil {
				raw, err := json.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				text = string(raw)
			}
			if text != tt.want {
				t.Errorf("decode(%q) = %s, %v, want %s", tt.in, text, err, tt.want)
			}
			if strict, err := decodeStrict([]byte(tt.in)); (err == nil) != (text != "") || err == nil && !reflect.DeepEqual(strict, got) {
				t.Errorf("decodeStrict(%q) = %v, %v, want %v", tt.in, strict, err, got)
			}
		})
	}
}
