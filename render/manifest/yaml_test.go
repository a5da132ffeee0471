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
