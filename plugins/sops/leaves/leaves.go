// Package leaves tells which values of a decrypted file SOPS had encrypted, by
// laying the file before and after decryption side by side.
//
// Start with [Of].
package leaves

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"gopkg.in/ini.v1"

	"github.com/tidelock-io/tidelock/secrets"
)

// A Leaf is one value that was encrypted.
type Leaf struct {
	// Path are the keys that lead to it, list items as "[0]"; none of a file that
	// is encrypted as a whole.
	Path  []string
	Value secrets.Value
}

// encrypted starts every value that SOPS encrypted, in all formats.
const encrypted = "ENC["

// Of returns the values of a file that SOPS encrypted, in one of its formats. Of
// a Kubernetes object they do not include what names it, which is for all to see
// once it is applied: of a file that is encrypted with all it holds, that would be
// everything that refers to the object.
//
// A file of which the two forms cannot be compared is one value, as one that is
// no YAML, JSON, dotenv or INI.
func Of(format string, cipher, plain []byte) []Leaf {
	var found []Leaf
	ok := false
	switch format {
	case "yaml":
		found, ok = ofYAML(cipher, plain)
	case "json":
		found, ok = ofJSON(cipher, plain)
	case "dotenv":
		found, ok = ofDotenv(cipher, plain), true
	case "ini":
		found, ok = ofINI(cipher, plain)
	}
	if !ok {
		return []Leaf{{Value: secrets.New(plain)}}
	}
	return found
}

// pair walks both forms of a tree.
type pair struct {
	path  []string
	found []Leaf
}

func (p *pair) leaf(plain string) {
	path := append([]string(nil), p.path...)
	p.found = append(p.found, Leaf{path, secrets.New([]byte(plain))})
}

func (p *pair) in(step string, do func()) {
	p.path = append(p.path, step)
	do()
	p.path = p.path[:len(p.path)-1]
}

func ofYAML(cipher, plain []byte) ([]Leaf, bool) {
	was, now := yaml.NewDecoder(bytes.NewReader(cipher)), yaml.NewDecoder(bytes.NewReader(plain))
	var p pair
	for documents := 0; ; documents++ {
		var a, b yaml.Node
		if was.Decode(&a) != nil {
			return p.found, documents > 0 // SOPS has read all of it: this is the end
		}
		if now.Decode(&b) != nil {
			return nil, false
		}
		p.nodes(content(&a), content(&b))
	}
}

func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0]
	}
	return n
}

func (p *pair) nodes(was, now *yaml.Node) {
	switch {
	case was.Kind == yaml.ScalarNode && strings.HasPrefix(was.Value, encrypted):
		p.leaf(now.Value)
	case was.Kind != now.Kind:
	case was.Kind == yaml.SequenceNode:
		for i := range min(len(was.Content), len(now.Content)) {
			p.in(fmt.Sprintf("[%d]", i), func() { p.nodes(was.Content[i], now.Content[i]) })
		}
	case was.Kind == yaml.MappingNode:
		p.maps(fieldsOf(was), fieldsOf(now))
	}
}

func (p *pair) maps(was, now map[string]*yaml.Node) {
	names := naming(func(key string) string {
		if n := now[key]; n != nil && n.Kind == yaml.ScalarNode {
			return n.Value
		}
		return ""
	})
	for key, a := range was {
		if b := now[key]; b != nil && !names[key] {
			p.in(key, func() { p.nodes(a, b) })
		}
	}
}

func fieldsOf(n *yaml.Node) map[string]*yaml.Node {
	fields := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		fields[n.Content[i].Value] = n.Content[i+1]
	}
	return fields
}

// naming are the fields of a Kubernetes object that name it; none if a map is no
// object. Text returns the text of a field.
func naming(text func(key string) string) map[string]bool {
	if text("apiVersion") == "" || text("kind") == "" {
		return nil
	}
	return map[string]bool{"apiVersion": true, "kind": true, "metadata": true, "type": text("kind") == "Secret"}
}

func ofJSON(cipher, plain []byte) ([]Leaf, bool) {
	a, ok := decode(cipher)
	if !ok {
		return nil, false
	}
	b, ok := decode(plain)
	if !ok {
		return nil, false
	}
	var p pair
	p.values(a, b)
	return p.found, true
}

func decode(text []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

func (p *pair) values(was, now any) {
	switch was := was.(type) {
	case string:
		if strings.HasPrefix(was, encrypted) {
			p.leaf(fmt.Sprint(now))
		}
	case []any:
		list, _ := now.([]any)
		for i := range min(len(was), len(list)) {
			p.in(fmt.Sprintf("[%d]", i), func() { p.values(was[i], list[i]) })
		}
	case map[string]any:
		fields, _ := now.(map[string]any)
		names := naming(func(key string) string { s, _ := fields[key].(string); return s })
		for key, a := range was {
			if b, ok := fields[key]; ok && !names[key] {
				p.in(key, func() { p.values(a, b) })
			}
		}
	}
}

// ofDotenv reads lines of KEY=VALUE. What quotes a value is no part of it for
// those who take it for quotes; SOPS writes a line's end in a value as "\n".
func ofDotenv(cipher, plain []byte) (found []Leaf) {
	now := map[string]string{}
	for line := range strings.Lines(string(plain)) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "="); ok {
			now[key] = value
		}
	}
	for line := range strings.Lines(string(cipher)) {
		key, value, _ := strings.Cut(line, "=")
		plain, ok := now[key]
		if !ok || !strings.HasPrefix(value, encrypted) {
			continue
		}
		for _, quote := range []string{`"`, `'`} {
			if len(plain) > 1 && strings.HasPrefix(plain, quote) && strings.HasSuffix(plain, quote) {
				plain = plain[1 : len(plain)-1]
			}
		}
		found = append(found, Leaf{[]string{key}, secrets.New([]byte(plain))})
		if lines := strings.ReplaceAll(plain, `\n`, "\n"); lines != plain {
			found = append(found, Leaf{[]string{key}, secrets.New([]byte(lines))})
		}
	}
	return found
}

func ofINI(cipher, plain []byte) (found []Leaf, ok bool) {
	was, err := ini.Load(cipher)
	if err != nil {
		return nil, false
	}
	now, err := ini.Load(plain)
	if err != nil {
		return nil, false
	}
	for _, section := range was.Sections() {
		for _, key := range section.Keys() {
			if !strings.HasPrefix(key.Value(), encrypted) || !now.Section(section.Name()).HasKey(key.Name()) {
				continue
			}
			path := []string{section.Name(), key.Name()}
			if section.Name() == ini.DefaultSection {
				path = path[1:]
			}
			found = append(found, Leaf{path, secrets.New([]byte(now.Section(section.Name()).Key(key.Name()).Value()))})
		}
	}
	return found, true
}
