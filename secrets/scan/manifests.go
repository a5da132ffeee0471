package scan

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rules for what a kustomization makes a Secret of: values, and files of them.
const (
	literalRule = "kustomize-secret-literal"
	fileRule    = "kustomize-secret-file"
)

var descriptions = map[string]string{
	secretRule:  "A Secret's manifest holds a value in clear",
	literalRule: "A secretGenerator holds a value in clear",
	fileRule:    "A secretGenerator reads a value from a file in clear",
}

// OfSecret says whether a finding is a value of a Secret that stands in clear,
// whatever the value looks like.
func (f Finding) OfSecret() bool { return descriptions[f.Rule] != "" }

// secrets finds values in the manifests of Secrets, and in secretGenerators.
func (p *patterns) secrets(t text, encrypted bool) []Finding {
	if p.noSecret || !isManifest(t.path) || !bytes.Contains(t.data, []byte("Secret")) && !bytes.Contains(t.data, []byte("secretGenerator")) {
		return nil
	}
	c := &collector{patterns: p, text: t, lines: bytes.Split(t.data, []byte("\n")), encrypted: encrypted}
	in := yaml.NewDecoder(bytes.NewReader(t.data))
	for {
		var doc yaml.Node
		err := in.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return c.found
		}
		if err != nil { // such as a template
			c.found = nil
			c.byLine()
			return c.found
		}
		if len(doc.Content) > 0 {
			c.object(doc.Content[0], maxLists)
		}
	}
}

func isManifest(at string) bool {
	switch path.Ext(at) {
	case ".yaml", ".yml", ".json", ".tpl":
		return true
	}
	return path.Base(at) == "Kustomization"
}

// maxLists bounds lists in lists.
const maxLists = 8

type collector struct {
	patterns *patterns
	text     text
	lines    [][]byte
	found    []Finding
	// encrypted says that SOPS encrypted some of the text.
	encrypted bool
}

// object looks into one document.
func (c *collector) object(node *yaml.Node, depth int) {
	if node.Kind != yaml.MappingNode || depth == 0 {
		return
	}
	fields := map[string]*yaml.Node{}
	each(node, func(key, value *yaml.Node) { fields[key.Value] = value })
	if items := fields["items"]; items != nil && items.Kind == yaml.SequenceNode {
		for _, item := range items.Content {
			c.object(item, depth-1)
		}
	}
	if kind := fields["kind"]; kind != nil && kind.Value == "Secret" {
		plain := naming(fields["metadata"])
		c.values(fields["data"], true, plain)
		c.values(fields["stringData"], false, plain)
	}
	if generators := fields["secretGenerator"]; generators != nil {
		c.generators(generators)
	}
}

// each calls a function with the entries of a map.
func each(node *yaml.Node, entry func(key, value *yaml.Node)) {
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		entry(node.Content[i], node.Content[i+1])
	}
}

// names are the entries of Secrets that configure Argo CD which say what is configured,
// and not how to log in.
var names = []string{"clusterResources", "enableLfs", "enableOCI", "insecure", "name", "namespaces", "project", "server", "shard", "type", "url"}

// naming returns the entries that are no secrets, for what a Secret's label says it is.
func naming(metadata *yaml.Node) []string {
	var plain []string
	each(metadata, func(key, labels *yaml.Node) {
		each(labels, func(label, _ *yaml.Node) {
			if key.Value == "labels" && label.Value == "argocd.argoproj.io/secret-type" {
				plain = names
			}
		})
	})
	return plain
}

// login is an address with a password in it.
var login = regexp.MustCompile(`://[^/]*:[^/]*@`)

func (c *collector) values(data *yaml.Node, encoded bool, plain []string) {
	if c.encrypted && someEncrypted(data) {
		return // what is in clear beside it was chosen to be
	}
	each(data, func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" || c.encrypted && strings.HasSuffix(key.Value, unencryptedSuffix) {
			return
		}
		text := plainOf(value.Value, encoded)
		if slices.Contains(plain, key.Value) && !login.MatchString(text) {
			return
		}
		c.add(secretRule, key.Value, text, key.Line, value)
	})
}

// unencryptedSuffix is how SOPS knows by default what is to stay in clear.
const unencryptedSuffix = "_unencrypted"

// someEncrypted says whether any of the values is.
func someEncrypted(data *yaml.Node) bool {
	some := false
	each(data, func(_, value *yaml.Node) { some = some || cipherText.MatchString(value.Value) })
	return some
}

// plainOf decodes base64, where it is.
func plainOf(value string, encoded bool) string {
	if encoded {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); err == nil {
			return string(plain)
		}
	}
	return value
}

func (c *collector) add(rule, item, plain string, line int, value *yaml.Node) {
	end := max(line, value.Line+strings.Count(value.Value, "\n"))
	for at := line; at <= min(end, len(c.lines)); at++ {
		if at > 0 && allowed(c.lines[at-1]) {
			return
		}
	}
	if placeholder(plain) || placeholder(value.Value) || public(plain) || c.patterns.allows(c.text.path, c.text.commit, plain) {
		return
	}
	f := Finding{
		Rule: rule, Description: descriptions[rule], Path: c.text.path,
		Line: line, EndLine: end, Column: value.Column, Item: oneLine(item),
		Commit: c.text.commit, Author: c.text.author, Date: c.text.date,
	}
	c.found = append(c.found, f.named())
}

// oneLine keeps a name that somebody wrote from breaking a report.
func oneLine(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	const most = 80
	return name[:min(len(name), most)]
}

// placeholders stand for a value that comes from elsewhere, or is to be filled
// in.
var placeholders = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
	``,
	`\{\{.*\}\}`, `\$\{[^}]*\}`, `\$\([^)]*\)`, `\$[a-z_]+`, // templates and variables
	`<[^>]*>`, `\[[a-z _-]+\]`, // <password>, <path:secret/data/db#password>
	`ref\+[a-z]+://.*`, `ENC\[AES256_GCM,.*\]`, // of vals and of SOPS
	`op://\S+`, `(>>)?vault:[^\s#]+#\S+`, // of 1Password and of Bank-Vaults
	`x+|\*+|\.+|-+|_+`,
	`(please[-_ ])?(change|replace|fill|set|update|edit)[-_ ]?(me|this|it|in|here)?([-_ !.]*)`,
	`(your|my|some|the|a|an)[-_ ][a-z-_ ]*[.!]*`, `(dummy|example|sample|fake|placeholder|redacted|todo|tbd|fixme|none|null|empty|n/?a)([-_ ].*)?`,
}, "|") + `)\s*$`)

// Placeholder says whether a value only stands for a secret, or is a public one.
func Placeholder(value string) bool { return placeholder(value) || public(value) }

func placeholder(value string) bool { return placeholders.MatchString(strings.TrimSpace(value)) }
