package sops

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/getsops/sops/v3"
	"go.yaml.in/yaml/v3"
)

// duplicates refuses a key that stands twice, of which readers take one or the
// other. SOPS itself looks at the first YAML document only.
func (f *file) duplicates(data []byte) error {
	switch f.format {
	case "ini":
		return duplicatesOfINI(data)
	case "yaml":
		return duplicatesOfYAML(data)
	}
	branches, err := f.container().LoadPlainFile(data)
	if err != nil {
		return nil //nolint:nilerr // who parses it says so
	}
	for _, branch := range branches {
		if path := twice(branch, ""); path != "" {
			return duplicate(path)
		}
	}
	return nil
}

func duplicate(path string) error {
	return fmt.Errorf("%w %s: take one of the two out, with sops edit, or encrypt the file again", ErrDuplicate, dotted(path))
}

// twice returns the path of a key that its branch has twice.
func twice(value any, at string) string {
	switch value := value.(type) {
	case sops.TreeBranch:
		seen := make(map[string]bool, len(value))
		for _, item := range value {
			key, ok := item.Key.(string)
			if !ok {
				continue // a comment
			}
			if seen[key] {
				return at + key + ":"
			}
			seen[key] = true
			if path := twice(item.Value, at+key+":"); path != "" {
				return path
			}
		}
	case []any:
		for _, item := range value {
			if path := twice(item, at); path != "" {
				return path
			}
		}
	}
	return ""
}

// duplicatesOfYAML looks at all documents, SOPS' metadata included.
func duplicatesOfYAML(data []byte) error {
	in := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	for in.Decode(&document) == nil { // of a mistake the parser tells
		if path := twiceOfNode(&document, ""); path != "" {
			return duplicate(path)
		}
	}
	return nil
}

// twiceOfNode does not follow aliases: what they stand for is looked at in its
// own place.
func twiceOfNode(node *yaml.Node, at string) string {
	if node.Kind != yaml.MappingNode {
		for _, item := range node.Content {
			if path := twiceOfNode(item, at); path != "" {
				return path
			}
		}
		return ""
	}
	seen := make(map[string]bool, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind == yaml.ScalarNode && seen[key.Value] {
			return at + key.Value + ":"
		}
		seen[key.Value] = true
		if path := twiceOfNode(value, at+key.Value+":"); path != "" {
			return path
		}
	}
	return ""
}

// duplicatesOfINI reads lines, for SOPS' parser keeps the last value of a name.
// Sections may come again, their names may not.
func duplicatesOfINI(data []byte) error {
	const quotes = `"""` // round values of several lines
	section, seen, quoted := "", map[string]bool{}, false
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		opens := strings.Count(text, quotes)%2 == 1
		switch {
		case quoted:
			quoted = !opens
		case text == "", text[0] == '#', text[0] == ';':
		case text[0] == '[':
			section, _, _ = strings.Cut(text[1:], "]")
		default:
			end := strings.IndexAny(text, "=:")
			path := section + ":" + strings.TrimSpace(text[:max(end, 0)]) + ":"
			if end > 0 && seen[path] {
				return duplicate(path)
			}
			seen[path], quoted = true, opens
		}
	}
	return nil
}
