package detect_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

func TestIsEncrypted(t *testing.T) {
	for _, tt := range []struct {
		name, format, text string
		want               bool
	}{
		{"mentioned in a value", "yaml", "a: sops\nb: mac\n", false},
		{"mentioned in a text", "yaml", "doc: |\n  sops:\n    mac: x\n", false},
		{"an own key", "yaml", "sops:\n  enabled: true\nmac: 1\n", false},
		{"metadata", "yaml", "a: ENC[]\nsops:\n    age: []\n    mac: ENC[x]\n", true},
		{"with line ends of Windows", "yaml", "sops:\r\n    age: []\r\n    mac: ENC[x]\r\n", true},
		{"JSON in YAML", "yaml", `{"sops": {"mac": "x"}}`, true},
		{"JSON", "json", ` {"a": 1, "sops": {"mac": "x"}}`, true},
		{"JSON without", "json", `{"a": "sops mac"}`, false},
		{"dotenv", "dotenv", "A=ENC[]\nsops_mac=ENC[]\n", true},
		{"dotenv without", "dotenv", "A=sops_mac=\n", false},
		{"INI", "ini", "[a]\nb=c\n[sops]\nversion = 1\nmac = x\n", true},
		{"INI without", "ini", "[sops]\nversion = 1\n[mac]\nmac = x\n", false},
		{"binary", "binary", `{"data": "ENC[]", "sops": {"mac": "x"}}`, true},
		{"binary without", "binary", "sops mac", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := detect.IsEncrypted([]byte(tt.text), tt.format); got != tt.want {
				t.Errorf("IsEncrypted(%q, %q) = %v, want %v", tt.text, tt.format, got, tt.want)
			}
		})
	}
}

func FuzzIsEncrypted(f *testing.F) {
	f.Add([]byte("sops:\n mac: x\n"), "a.yaml")
	f.Add([]byte(`{"sops":{"mac":"x"}}`), "a.json")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		// What holds for a file holds for it after another line of YAML.
		format := detect.Format(name)
		if format == "yaml" && len(data) > 0 && data[0] == 's' && detect.IsEncrypted(data, format) && !detect.IsEncrypted(append([]byte("a: b\n"), data...), format) {
			t.Errorf("%q is encrypted, and is not after another line", data)
		}
	})
}
