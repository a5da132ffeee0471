package main

import (
	"crypto/ed25519"
	"crypto/rsa"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestGenerators(t *testing.T) {
	h := host{objects: map[string]string{
		"Fake shop/demo":         `{apiVersion: generators.external-secrets.io/v1alpha1, kind: Fake, metadata: {name: demo}, spec: {data: {user: ann, pass word: secret}}}`,
		"ClusterGenerator /demo": `{apiVersion: generators.external-secrets.io/v1alpha1, kind: ClusterGenerator, metadata: {name: demo}, spec: {kind: Fake, generator: {fakeSpec: {data: {from: the cluster}}}}}`,
		"Password shop/demo":     `{apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, metadata: {name: demo}, spec: {length: 40, digits: 10, symbols: 2, symbolCharacters: "-_", noUpper: true, allowRepeat: true}}`,
		"Password shop/short":    `{apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, metadata: {name: short}, spec: {length: 3, digits: 9}}`,
		"UUID shop/demo":         `{apiVersion: generators.external-secrets.io/v1alpha1, kind: UUID, metadata: {name: demo}, spec: {}}`,
		"SSHKey shop/demo":       `{apiVersion: generators.external-secrets.io/v1alpha1, kind: SSHKey, metadata: {name: demo}, spec: {comment: ann@shop}}`,
		"SSHKey shop/ed":         `{apiVersion: generators.external-secrets.io/v1alpha1, kind: SSHKey, metadata: {name: ed}, spec: {keyType: ed25519}}`,
		"UUID shop/odd":          `{apiVersion: generators.external-secrets.io/v1alpha1, kind: UUID, metadata: {name: odd}, spec: {version: 7}}`,
	}}
	for _, tt := range []struct {
		name, ref, rewrite string
		want               map[string]string // regular expressions
		err                string
	}{
		{name: "Fake", ref: "{kind: Fake, name: demo}", rewrite: `[{regexp: {source: "pass word", target: password}}]`, want: map[string]string{"user": "^ann$", "password": "^secret$"}},
		{name: "names are not converted", ref: "{kind: Fake, name: demo}", err: "names of items"},
		{name: "ClusterGenerator", ref: "{apiVersion: generators.external-secrets.io/v1alpha1, kind: ClusterGenerator, name: demo}", want: map[string]string{"from": "^the cluster$"}},
		{name: "Password", ref: "{kind: Password, name: demo}", want: map[string]string{"password": "^[-_a-z0-9]{40}$"}},
		{name: "a Password that cannot be", ref: "{kind: Password, name: short}", err: `generator Password "short"`},
		{name: "UUID", ref: "{kind: UUID, name: demo}", want: map[string]string{"uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"}},
		{name: "SSHKey", ref: "{kind: SSHKey, name: demo}", want: map[string]string{"privateKey": "^-----BEGIN", "publicKey": "^ssh-rsa .* ann@shop\n?$"}},
		{name: "SSHKey of another type", ref: "{kind: SSHKey, name: ed}", want: map[string]string{"privateKey": "^-----BEGIN", "publicKey": "^ssh-ed25519 "}},
		{name: "a field that is not known", ref: "{kind: UUID, name: odd}", err: `unknown field "version"`},
		{name: "another kind", ref: "{kind: ECRAuthorizationToken, name: demo}", err: "ECRAuthorizationToken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := "dataFrom: [{sourceRef: {generatorRef: " + tt.ref + "}, rewrite: " + tt.rewrite + "}]"
			got, err := fetchSecret(t, h, strings.Replace(spec, ", rewrite: }", "}", 1))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if keys := slices.Sorted(maps.Keys(got.Data)); !slices.Equal(keys, slices.Sorted(maps.Keys(tt.want))) {
				t.Fatalf("items %v", keys)
			}
			for key, want := range tt.want {
				if !regexp.MustCompile(want).Match(got.Data[key]) {
					t.Errorf("%s is %q, want %s", key, got.Data[key], want)
				}
			}
			if private, ok := got.Data["privateKey"]; ok {
				key, err := ssh.ParseRawPrivateKey(private)
				_, isRSA := key.(*rsa.PrivateKey)
				_, isEd := key.(*ed25519.PrivateKey)
				if err != nil || !isRSA && !isEd {
					t.Errorf("%T: %v", key, err)
				}
			}
		})
	}
}

// TestGeneratorsAreRandom: whoever calls twice gets two, so the host must keep
// what it got.
func TestGeneratorsAreRandom(t *testing.T) {
	h := host{objects: map[string]string{"Password shop/demo": `{apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, metadata: {name: demo}, spec: {}}`}}
	seen := map[string]bool{}
	for range 3 {
		got, err := fetchSecret(t, h, "dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: demo}}}]")
		if err != nil || len(got.Data["password"]) != 24 {
			t.Fatalf("%v, %v", got, err)
		}
		seen[string(got.Data["password"])] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different passwords of 3", len(seen))
	}
}
