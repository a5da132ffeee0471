package render

import (
	"strings"
	"testing"
)

const (
	encYAML   = "password: ENC[AES256_GCM,data:a,type:str]\nsops:\n    age:\n        - recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n    mac: ENC[AES256_GCM,data:b,type:str]\n    version: 3.13.3\n"
	encJSON   = `{"data": "ENC[AES256_GCM,data:a]", "sops": {"mac": "ENC[AES256_GCM,data:b]", "pgp": [{"fp": "FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4"}]}}`
	encDotenv = "A=ENC[AES256_GCM,data:a]\nsops_mac=ENC[AES256_GCM,data:b]\nsops_version=3\n"
	encINI    = "[db]\npassword = ENC[AES256_GCM,data:a]\n\n[sops]\nmac = ENC[AES256_GCM,data:b]\nversion = 3\n"
	optedOut  = "metadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/decrypt: disabled\n" + encYAML
)

func TestSOPSFormat(t *testing.T) {
	indented := strings.ReplaceAll(encYAML, "\n", "\n    ")
	for _, tt := range []struct{ name, file, text, want string }{
		{"yaml", "a.yaml", encYAML, "yaml"},
		{"yml", "a.yml", encYAML, "yaml"},
		{"yaml by content", "values.enc", encYAML, "yaml"},
		{"second document", "a.yaml", "a: 1\n---\n" + encYAML, "yaml"},
		{"json", "a.json", encJSON, "json"},
		{"binary", "tls.key", encJSON, "binary"},
		{"binary without extension", "token", encJSON, "binary"},
		{"json by content", ".dockerconfigjson", `{"auths": "ENC[AES256_GCM,data:a]", "sops": {"mac": "ENC[AES256_GCM,data:b]"}}`, "json"},
		{"json with an ending of its own", "config.json.encrypted", `{"data": {"a": "ENC[AES256_GCM,data:a]"}, "sops": {"mac": "ENC[AES256_GCM,data:b]"}}`, "json"},
		{"JSON in a yaml file", "a.yaml", encJSON, "yaml"},
		{"dotenv", ".env", encDotenv, "dotenv"},
		{"dotenv of production", ".env.production", encDotenv, "dotenv"},
		{"ini", "a.ini", encINI, "ini"},
		{"opted out", "a.yaml", optedOut, ""},
		{"plain", "a.yaml", "a: 1\n", ""},
		{"talks of it", "a.yaml", "# how to use sops: ENC[...]\na: sops\n", ""},
		{"carries one", "a.yaml", "data:\n  f: |\n    " + indented + "\n", ""},
		{"template", "a.yaml", "{{ if .sops }}\na: ENC[x]\n{{ end }}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sopsFormat(tt.file, []byte(tt.text)); got != tt.want {
				t.Errorf("sopsFormat(%q) = %q, want %q", tt.file, got, tt.want)
			}
		})
	}
}

func TestStillEncrypted(t *testing.T) {
	inList := "kind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(encYAML), "\n", "\n  ") + "\n"
	for text, want := range map[string]bool{encYAML: true, encJSON: true, "a: 1\n---\n" + encYAML: true, inList: true, optedOut: false, "a: 1": false} {
		if got := stillEncrypted([]byte(text)); got != want {
			t.Errorf("stillEncrypted(%q) = %v", text, got)
		}
	}
}

func TestCutOff(t *testing.T) {
	const enc = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"
	indented := strings.ReplaceAll("a: "+enc, "\n", "\n    ")
	for _, tt := range []struct {
		name, file, text string
		want             bool
	}{
		{"yaml", "a.yaml", "a:\n- b: " + enc + "\n", true},
		{"second document", "a.yaml", "a: 1\n---\nb: " + enc + "\n", true},
		{"in the metadata", "a.yaml", "a: " + enc + "\nsops:\n    age:\n        - recipient: x\n", true},
		{"json", "a.json", `{"a": "` + enc + `"}`, true},
		{"dotenv", ".env", "A=" + enc + "\n", true},
		{"dotenv of production", ".env.production", "A=" + enc + "\n", true},
		{"dotenv, in a value", ".env", "A=ENC[AES256_GCM,data:YQ", true},
		{"ini", "a.ini", "[a]\nb = " + enc + "\n", true},
		{"opted out", "a.yaml", "metadata: {annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}}\na: " + enc, false},
		{"talks of it", "a.yaml", "# " + enc + "\na: looks like " + enc + "\n", false},
		{"carries one", "a.yaml", "data:\n  f: |\n    " + indented + "\n", false},
		{"a script", "a.sh", "A=" + enc + "\n", false},
		{"a template", "a.yaml", "{{ if .x }}\na: " + enc + "\n{{ end }}", false},
		{"an alias bomb", "a.yaml", "a: &a ['" + enc + "', x]\nb: &b [*a, *a]\nc: [*b, *b]\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sopsFormat(tt.file, []byte(tt.text)) == "" && cutOff(tt.file, []byte(tt.text)); got != tt.want {
				t.Errorf("cutOff(%q) = %v", tt.text, got)
			}
		})
	}
}

func FuzzSOPSFormat(f *testing.F) {
	for _, text := range []string{encYAML, encJSON, encDotenv, encINI, optedOut} {
		f.Add("a.yaml", []byte(text))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		format := sopsFormat(name, text)
		if format != "" && !strings.Contains(string(text), "sops") {
			t.Errorf("%q is taken for SOPS", text)
		}
		stillEncrypted(text)
		cutOff(name, text)
	})
}
