package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets/scan"
)

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2hhbmdlTWU=\n-----END CERTIFICATE-----\n"

// TestGenerators looks at kustomizations beside the files that they read.
func TestGenerators(t *testing.T) {
	sops := "password=ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]\nsops_mac=ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]\nsops_version=3.11.0\n"
	for _, tt := range []struct {
		name, generator string
		files           map[string]string
		want            string
	}{
		{"a file in clear", "files: [password.txt]", map[string]string{"a/password.txt": "hunter2-canary"}, "a/kustomization.yaml:3:11: kustomize-secret-file (password.txt)"},
		{"under another key", "files: [p=in/password.txt]", map[string]string{"a/in/password.txt": "hunter2-canary"}, "a/kustomization.yaml:3:11: kustomize-secret-file (p)"},
		{"variables in clear", "envs: [db.env]", map[string]string{"a/db.env": "# of the database\nUSER=${USER}\n\nPASSWORD=hunter2-canary\n"}, "a/kustomization.yaml:3:10: kustomize-secret-file (PASSWORD of db.env)"},
		{"one file of variables", "env: db.env", map[string]string{"a/db.env": "PASSWORD='hunter2-canary'\n"}, "a/kustomization.yaml:3:8: kustomize-secret-file (PASSWORD of db.env)"},
		{"a file beside", "files: [../password.txt]", map[string]string{"password.txt": "hunter2-canary"}, "a/kustomization.yaml:3:11: kustomize-secret-file (password.txt)"},
		{"encrypted", "envs: [db.env]", map[string]string{"a/db.env": sops}, ""},
		{"placeholders", "envs: [db.env]", map[string]string{"a/db.env": "PASSWORD=change-me\nTOKEN=<token>\nEMPTY=\n"}, ""},
		{"a public certificate", "files: [ca.crt]", map[string]string{"a/ca.crt": certificate}, ""},
		{"allowed", "envs: [db.env]", map[string]string{"a/db.env": "# gitleaks:allow\nPASSWORD=hunter2-canary\n"}, ""},
		{"what is not there", "files: [missing.txt]", nil, ""},
		{"what is elsewhere", "files: [https://example.com/password.txt]", nil, ""},
		{"outside", "files: [../../../password.txt]", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"a/kustomization.yaml": "secretGenerator:\n- name: db\n  " + tt.generator + "\n"}
			for name, text := range tt.files {
				files[name] = text
			}
			var got []string
			for _, f := range scanned(t, files, scan.Ignored{}) {
				got = append(got, fmt.Sprint(f))
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

// TestHalfEncrypted: what SOPS left in clear of a Secret, because its rule forgot
// a field, is found; what it left because a rule says so is not.
func TestHalfEncrypted(t *testing.T) {
	const cipher = "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]"
	const sops = "sops:\n    mac: " + cipher + "\n"
	for _, tt := range []struct{ name, fields, want string }{
		{"stringData is forgotten", "data:\n  a: " + cipher + "\nstringData:\n  password: hunter2-canary\n", "a.yaml:5:13: kubernetes-secret-yaml (password)"},
		{"one entry is left", "stringData:\n  password: " + cipher + "\n  user: admin\n", ""},
		{"left by its suffix", "stringData:\n  user_unencrypted: admin\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range scanned(t, map[string]string{"a.yaml": "kind: Secret\n" + tt.fields + sops}, scan.Ignored{}) {
				got = append(got, fmt.Sprint(f))
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}
