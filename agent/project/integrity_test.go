package project

import (
	"fmt"
	"strings"
	"testing"
)

// Of 1.8: signatureKeys, and sourceIntegrity.git.policies.
func TestIntegrity(t *testing.T) {
	const policies = `sourceIntegrity: {git: {policies: [
		{repos: [{url: "https://git.example/org/*"}, {url: "!https://git.example/org/free*"}], gpg: {mode: strict, keys: [A, B]}},
		{repos: [{url: "git@git.example:ops/*"}, {url: "https://git.example/ops/a"}], gpg: {mode: head, keys: [C]}},
		{repos: [{url: "https://git.example/ops/b"}, {url: "https://git.example/org/free"}], gpg: {mode: none}},
		{repos: [{url: "https://git.example/ops/*"}], gpg: {mode: head, keys: [D]}},
		{repos: [{url: "https://git.example/bare"}]},
	]}}`
	for _, tt := range []struct{ name, spec, url, want, refused string }{
		{"nothing is demanded", `{}`, "https://git.example/org/a", "none [] ", ""},
		{"signatureKeys is head for all", `signatureKeys: [{keyID: A}]`, "https://git.example/org/a", "head [A] project shop, spec.signatureKeys,", ""},
		{"for addresses of any form", `signatureKeys: [{keyID: A}]`, "git@git.example:org/a.git", "head [A] project shop, spec.signatureKeys,", ""},
		{"an address that is not plain", `signatureKeys: [{keyID: A}]`, "https://git.example/x/../a", "head [A] project shop, spec.signatureKeys,", ""},
		{"a policy", policies, "https://git.example/org/a.git", "strict [A B] project shop, spec.sourceIntegrity.git.policies[0],", ""},
		{"a star spans segments", policies, "https://git.example/org/sub/a", "strict [A B] project shop, spec.sourceIntegrity.git.policies[0],", ""},
		{"another spelling is no way around", policies, "https://GIT.example/Org/A.git", "strict [A B] project shop, spec.sourceIntegrity.git.policies[0],", ""},
		{"nor are dots", policies, "https://git.example/x/../org/a", "", "plain URL"},
		{"excluded", policies, "https://git.example/org/free-for-all", "none [] ", ""},
		{"none", policies, "https://git.example/org/free", "none [] project shop, spec.sourceIntegrity.git.policies[2],", ""},
		{"SSH", policies, "ssh://git@git.example/ops/a", "head [C] project shop, spec.sourceIntegrity.git.policies[1],", ""},
		{"two policies cover it", policies, "https://git.example/ops/a", "", "policies[1] and spec.sourceIntegrity.git.policies[3] both cover https://git.example/ops/a"},
		{"though one of them says none", policies, "https://git.example/ops/b", "", "policies[2] and spec.sourceIntegrity.git.policies[3] both cover"},
		{"no policy covers it", policies, "https://elsewhere.example/a", "none [] ", ""},
		{"a policy without gpg", policies, "https://git.example/bare", "strict [] project shop, spec.sourceIntegrity.git.policies[4],", ""},
		{"no policy covers it, signatureKeys do", policies + "\nsignatureKeys: [{keyID: Z}]", "https://elsewhere.example/a", "head [Z] project shop, spec.signatureKeys,", ""},
		{"a policy goes before signatureKeys", policies + "\nsignatureKeys: [{keyID: Z}]", "https://git.example/org/a", "strict [A B] project shop, spec.sourceIntegrity.git.policies[0],", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, verdict := rules(t, shop(t, tt.spec), Scoped{}).Integrity(tt.url)
			if verdict.Allowed != (tt.refused == "") || !strings.Contains(verdict.Reason, tt.refused) {
				t.Fatalf("refused for %q, want %q", verdict.Reason, tt.refused)
			}
			if text := fmt.Sprintf("%s %v %s", got.Mode, got.Keys, got.By); verdict.Allowed && text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// What is in no Git repository meets no demand but that of a policy, which is of Git
// repositories only.
func TestIntegrityGitOnly(t *testing.T) {
	for spec, want := range map[string]bool{
		`signatureKeys: [{keyID: A}]`: false,
		`sourceIntegrity: {git: {policies: [{repos: [{url: "*"}], gpg: {mode: head, keys: [A]}}]}}`: true,
	} {
		got, verdict := rules(t, shop(t, spec), Scoped{}).Integrity("ghcr.io/org/charts")
		if !verdict.Allowed || got.GitOnly != want {
			t.Errorf("%s: %+v, %+v", spec, got, verdict)
		}
	}
}

// What cannot be read leaves no rules, and so refuses everything.
func TestIntegrityUnreadable(t *testing.T) {
	for spec, want := range map[string]string{
		`sourceIntegrity: {git: {policies: [{repos: [{url: "https://[x"}], gpg: {mode: head, keys: [A]}}]}}`: "spec.sourceIntegrity.git.policies[0].repos[0].url",
		`sourceIntegrity: {git: {policies: [{repos: [{url: "*"}], gpg: {mode: all, keys: [A]}}]}}`:           "spec.sourceIntegrity.git.policies[0].gpg.mode",
		`sourceIntegrity: {git: {policies: [{repos: [{url: "*"}], gpg: {keys: [A]}}]}}`:                      "spec.sourceIntegrity.git.policies[0].gpg.mode",
	} {
		if r, err := New(shop(t, spec), Scoped{}); err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that names %s", spec, err, want)
		}
	}
}
