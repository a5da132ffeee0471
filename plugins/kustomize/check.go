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
	file string
	text []byte
	root *yaml.Node // its mapping; nil if the file is empty
}

// check parses a kustomization and refuses what would need the network or
// another program, and fields that kustomize does not know.
func check(file string, text []byte) (*kustomization, error) {
	k := &kustomization{file: file, text: text}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: malformed YAML: %w", file, redact(err))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return k, nil
	}
	if k.root = doc.Content[0]; k.root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: a kustomization is a mapping of fields", file, k.root.Line)
	}
	for i := 0; i+1 < len(k.root.Content); i += 2 {
		if err := k.checkField(k.root.Content[i], k.root.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return k, nil
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

func (k *kustomization) checkField(key, value *yaml.Node) error {
	at := func(n *yaml.Node) string { return fmt.Sprintf("%s:%d", k.file, n.Line) }
	if key.Tag == "!!merge" {
		return nil
	}
	field, known := knownFields[strings.ToLower(key.Value)]
	if !known {
		return fmt.Errorf("%s: unknown field %q in a kustomization%s", at(key), key.Value, suggest(key.Value))
	}
	switch field {
	case "helmCharts", "helmChartInflationGenerator", "helmGlobals":
		return fmt.Errorf("%s: %s is not supported: make the chart a source of its own", at(key), field)
	case "resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge":
		return k.checkPaths(value, field)
	case "patches", "patchesJson6902", "replacements":
		for _, item := range value.Content {
			if err := k.checkPaths(child(item, "path"), field); err != nil {
				return err
			}
		}
	case "openapi":
		return k.checkPaths(child(value, "path"), field)
	}
	return nil
}

// checkPaths refuses addresses of other places.
func (k *kustomization) checkPaths(n *yaml.Node, field string) error {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		if n = n.Alias; n.Kind != yaml.ScalarNode {
			return nil // it may hold itself
		}
	}
	for _, item := range n.Content {
		if err := k.checkPaths(item, field); err != nil {
			return err
		}
	}
	if n.Kind == yaml.ScalarNode && isRemote(n.Value) {
		return fmt.Errorf("%s:%d: %s: %q lies outside of the repository, which is not supported: copy it in, or make it a source of its own",
			k.file, n.Line, field, withoutUser(n.Value))
	}
	return nil
}

func child(n *yaml.Node, name string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// isRemote says whether kustomize would fetch a path: by HTTP or by git.
func isRemote(p string) bool {
	if strings.ContainsAny(p, "\n{") {
		return false // an inline patch
	}
	lower := strings.ToLower(p)
	for _, prefix := range []string{"git@", "git::", "gh:", "github.com/", "github.com:"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return strings.Contains(lower, "://") || strings.Contains(lower, "?ref=") || strings.Contains(lower, ".git//")
}

// withoutUser drops a user and password from an address.
func withoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	return scheme + "://" + host + "/" + path
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
		return nil, fmt.Errorf("%s: %w", k.file, redact(err))
	}
	return content, nil
}
