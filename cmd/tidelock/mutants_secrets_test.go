package main

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secretClasses break how secrets are kept.
func secretClasses() []*class {
	return []*class{
		{name: "store renamed where used", truth: wrong, floor: 0.9, of: usesOf([]string{"SecretStore", "ClusterSecretStore"}, []string{"secretStoreRef.name"}, rename)},
		{name: "store's kind changed", truth: wrong, floor: 0.9, of: ofKind("ExternalSecret", oneOf("SecretStore", "SecretStores", "clusterSecretStore"), "secretStoreRef.kind")},
		{name: "store closed", truth: wrong, floor: 0.95, of: ofKind("ClusterSecretStore", func(s *specimen, p spot, _ *rand.Rand) map[string]string {
			return s.put(p, read(`[{namespaces: [none-of-ours]}]`))
		}, "spec.conditions")},
		{name: "SealedSecret moved by its overlay", truth: wrong, floor: 0.95, of: sealedMoved},
		{name: "SealedSecret's template renamed", truth: wrong, floor: 0.95, of: ofKind("SealedSecret", oneOf("elsewhere"), "template.metadata.name")},
		{name: "SealedSecret's data spoilt", truth: wrong, floor: 0.95, of: sealedData},
		{name: "recipient changed", truth: wrong, floor: 0.95, files: true, of: otherRecipients},
		{name: "decrypted file left", truth: wrong, floor: 0.95, files: true, of: decrypted},
		{name: "Secret in clear added", truth: wrong, floor: 0.95, of: secretsAdded},
		{name: "credential leaked", truth: wrong, floor: 0.9, files: true, of: leaks},
	}
}

// sealedMoved are kustomizations with a SealedSecret, which it puts elsewhere.
func sealedMoved(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if !d.isKustomization() || p.path != "resources" {
				continue
			}
			for _, item := range p.value.Content {
				file := path.Join(path.Dir(d.file), item.Value)
				if !slices.ContainsFunc(s.docs, func(o *document) bool {
					return o.file == file && o.field("kind") == "SealedSecret" && !strings.Contains(s.files[file], "-wide")
				}) {
					continue
				}
				for key, value := range map[string]string{"namespace": "elsewhere", "namePrefix": "prod-", "nameSuffix": "-prod"} {
					all = append(all, s.mutation(p, key, func(s *specimen, p spot, _ *rand.Rand) map[string]string {
						return s.at(p, func(parent *yaml.Node, _ int) {
							parent.Content = append(parent.Content, scalar(key, 0), scalar(value, 0))
						})
					}))
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.what, b.what) })
	return all
}

func sealedData(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.field("kind") == "SealedSecret" && strings.HasPrefix(p.path, "spec.encryptedData.") {
				all = append(all, s.mutation(p, "spoilt", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					text := p.value.Value
					return s.set(p, []string{text[:len(text)/2], text[:len(text)-7] + "!!", "to be sealed", text[:40]}[r.IntN(4)])
				}))
			}
		}
	}
	return all
}

const otherRecipient = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"

// otherRecipients are those of encrypted files, and of the rules for them where there are
// such files.
func otherRecipients(s *specimen) []mutation {
	var all []mutation
	encrypted := slices.ContainsFunc(s.docs, func(d *document) bool { return valueOf(d.root, "sops") != nil })
	for _, d := range s.docs {
		rules := path.Base(d.file) == ".sops.yaml" && encrypted
		for _, p := range d.spots() {
			if p.has("sops.age[].recipient") || rules && p.has("creation_rules[].age") && !strings.Contains(s.ruled(d, p), "smtp") {
				all = append(all, s.mutation(p, "changed", oneOf(otherRecipient)))
			}
		}
	}
	return all
}

// ruled is what files a rule is for.
func (s *specimen) ruled(_ *document, p spot) string { return p.beside("path_regex") }

// decrypted are encrypted files that are there in clear instead, or beside.
func decrypted(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if valueOf(d.root, "sops") == nil {
			continue
		}
		clear := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s}\nstringData: {password: correct-horse-battery}\n", d.field("metadata", "name"))
		all = append(all,
			mutation{what: d.file + ": decrypted", make: func(*rand.Rand) map[string]string { return map[string]string{d.file: clear} }},
			mutation{what: d.file + ": decrypted beside", make: func(*rand.Rand) map[string]string {
				return map[string]string{strings.TrimSuffix(d.file, ".yaml") + ".plain.yaml": clear}
			}},
		)
	}
	return all
}

// secretsAdded are files of manifests that have a Secret more.
func secretsAdded(s *specimen) []mutation {
	var all []mutation
	seen := map[string]bool{}
	for _, d := range s.docs {
		if !d.isManifest() || d.isKustomization() || seen[d.file] || s.patches(d.file) || strings.Contains(s.files[d.file], "sops:") {
			continue
		}
		seen[d.file] = true
		all = append(all, mutation{what: d.file + ": a Secret", make: func(r *rand.Rand) map[string]string {
			key := []string{"password", "token", "api-key", "DATABASE_URL"}[r.IntN(4)]
			value := letters(r, "abcdefghijkmnpqrstuvwxyz23456789", 8+r.IntN(20))
			if key == "DATABASE_URL" {
				value = "postgres://shop:" + value + "@db:5432/shop"
			}
			return s.with(d.file, fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: added}\nstringData: {%s: %q}\n", key, value))
		}})
	}
	return all
}

func letters(r *rand.Rand, alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// credential is one of a form that its owner gives to all of them.
func credential(r *rand.Rand) (name, value string) {
	switch r.IntN(6) {
	case 0:
		return "AWS_ACCESS_KEY_ID", "AKIA" + letters(r, upper+"234567", 16)
	case 1:
		return "GITHUB_TOKEN", "ghp_" + letters(r, upper+lower+digits, 36)
	case 2:
		return "SLACK_TOKEN", "xoxb-" + letters(r, digits, 12) + "-" + letters(r, digits, 12) + "-" + letters(r, upper+lower+digits, 24)
	case 3:
		return "STRIPE_KEY", "sk_live_" + letters(r, upper+lower+digits, 24)
	case 4:
		return "GITLAB_TOKEN", "glpat-" + letters(r, upper+lower+digits, 20)
	}
	return "NPM_TOKEN", "npm_" + letters(r, lower+digits, 36)
}

// leaks are texts of objects, values and scripts that are a credential instead, and
// comments with one.
func leaks(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if valueOf(d.root, "sops") != nil {
			continue
		}
		for _, p := range d.spots() {
			config := strings.HasPrefix(p.path, "data.") && d.field("kind") == "ConfigMap" || p.has("env[].value") || p.has("args[]") || p.has("literals[]")
			if config && p.value.Kind == yaml.ScalarNode {
				all = append(all, s.mutation(p, "leaks", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					name, value := credential(r)
					if p.has("literals[]") || p.has("args[]") {
						value = name + "=" + value
					}
					return s.set(p, value)
				}))
			}
		}
	}
	for file, text := range s.files {
		if strings.Contains(text, "ENC[") || text == "" {
			continue
		}
		all = append(all, mutation{what: file + ": a comment leaks", make: func(r *rand.Rand) map[string]string {
			name, value := credential(r)
			return map[string]string{file: text + "# " + name + "=" + value + "\n"}
		}})
	}
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.what, b.what) })
	return all
}
