package kustomize

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// A kustomization is one kustomization file: its text, and its nodes, which know
// their lines.
type kustomization struct {
	file  string
	text  []byte
	root  *yaml.Node // its mapping; nil if the file is empty
	names []*reference

	by        *reference // what led here; nil for the one to render
	namespace string     // of its own, or of who refers to it
}

// check parses a kustomization and refuses fields that kustomize does not know.
func check(file string, text []byte) (*kustomization, error) {
	k := &kustomization{file: file, text: text}
	return k, k.check()
}

func (k *kustomization) check() error {
	var doc yaml.Node
	if err := yaml.Unmarshal(k.text, &doc); err != nil {
		return fmt.Errorf("%s%w", k.place(0), redact(yamlError(err)))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil
	}
	if k.root = doc.Content[0]; k.root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: a kustomization is a mapping of fields", k.place(k.root.Line))
	}
	for i := 0; i+1 < len(k.root.Content); i += 2 {
		if err := k.checkField(k.root.Content[i]); err != nil {
			return err
		}
	}
	k.name()
	return nil
}

// knownFields maps the names of a kustomization's fields in lower case, as
// kustomize matches them, to their spelling.
var knownFields = func() map[string]string {
	fields := map[string]string{"apiversion": "apiVersion", "kind": "kind"}
	for t := range reflect.TypeFor[types.Kustomization]().Fields() {
		name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
		if name != "" {
			fields[strings.ToLower(name)] = name
		}
	}
	return fields
}()

func (k *kustomization) checkField(key *yaml.Node) error {
	if key.Tag == "!!merge" {
		return nil
	}
	if _, known := knownFields[strings.ToLower(key.Value)]; !known {
		return fmt.Errorf("%s: unknown field %q in a kustomization%s", k.place(key.Line), key.Value, suggest(key.Value))
	}
	return nil
}

// field returns the value of a field, nil if the kustomization has none.
func (k *kustomization) field(name string) *yaml.Node {
	if k.root == nil {
		return nil
	}
	return child(k.root, name)
}

// child returns what a mapping has under a name. Kustomize does not tell capital
// letters in the names of fields.
func child(n *yaml.Node, name string) *yaml.Node {
	n = aliased(n)
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, name) {
			return aliased(n.Content[i+1])
		}
	}
	return nil
}

func aliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// items returns the elements of a list; none if n is something else.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// suggest names the field that was probably meant.
func suggest(name string) string {
	name = strings.ToLower(name)
	for _, lower := range slices.Sorted(maps.Keys(knownFields)) {
		if within(name, lower, 2) {
			return fmt.Sprintf(", did you mean %q?", knownFields[lower])
		}
	}
	return ""
}

// within says whether at most n letters were added, lost or changed between a
// and b.
func within(a, b string, n int) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	if a == b {
		return true
	}
	if n == 0 {
		return false
	}
	return a != "" && within(a[1:], b, n-1) || b != "" && within(a, b[1:], n-1) ||
		a != "" && b != "" && within(a[1:], b[1:], n-1)
}

func (k *kustomization) decode() (*types.Kustomization, error) {
	content := &types.Kustomization{}
	if err := content.Unmarshal(k.text); err != nil {
		return nil, fmt.Errorf("%s: %w", k.place(0), redact(err))
	}
	return content, nil
}
