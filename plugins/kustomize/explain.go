package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
)

// explain finds the place that an error of kustomize is about, for kustomize
// seldom names it: the first kustomization in which something is plainly wrong.
// It is called after a failure only, so it may look at everything again.
func (f *files) explain(err error) error {
	for _, k := range f.read {
		if why := f.wrongWith(k); why != nil {
			return why
		}
	}
	if file, why := f.malformed(); why != nil {
		return fmt.Errorf("%s%w", file, redact(why, f.secrets()...))
	}
	text := redact(err, f.secrets()...)
	if strings.Contains(err.Error(), "external plugins disabled") {
		for _, k := range f.read {
			if field := k.field("generators", "transformers", "validators"); field != nil {
				return fmt.Errorf("%s:%d: %s: functions that are programs are not supported: %w", k.file, field.Line, field.Value, text)
			}
		}
	}
	return text
}

// malformed returns the first file that is no YAML, and why with the line before
// it: kustomize names neither directory nor, after the first document, the line.
func (f *files) malformed() (file string, why error) {
	for _, name := range slices.Sorted(maps.Keys(f.texts)) {
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			continue
		}
		documents := yaml.NewDecoder(bytes.NewReader(f.texts[name]))
		for {
			err := documents.Decode(new(yaml.Node))
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return name, yamlError(err)
			}
		}
	}
	return "", nil
}

// yamlError turns "yaml: line 3: why" into ":3: malformed YAML: why".
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, why, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf(":%s: malformed YAML: %s", line, why)
		}
	}
	return fmt.Errorf(": malformed YAML: %s", text)
}

// secrets returns what was read and may be secret, the literals and patches of
// kustomizations included.
func (f *files) secrets() (values []string) {
	for _, k := range f.read {
		values = append(values, inline(k.root, 0)...)
	}
	for name, text := range f.texts {
		values = append(values, secretsOf(name, text)...)
	}
	return values
}

// inline returns the values of what a kustomization holds of other files.
func inline(n *yaml.Node, depth int) (values []string) {
	if n == nil || depth > maxDepth {
		return nil
	}
	for i, item := range n.Content {
		values = append(values, inline(item, depth+1)...)
		if n.Kind != yaml.MappingNode || i%2 == 1 || i+1 == len(n.Content) {
			continue
		}
		switch value := n.Content[i+1]; item.Value {
		case "literals":
			for _, literal := range value.Content {
				values = append(values, secretsOf("literal", []byte(literal.Value))...)
			}
		case "patch":
			values = append(values, secretsOf("patch.yaml", []byte(value.Value))...)
		}
	}
	return values
}

func (f *files) wrongWith(k *kustomization) error {
	if k.root == nil {
		return fmt.Errorf("%s: is empty", k.file)
	}
	if _, err := k.decode(); err != nil {
		return k.locate(err)
	}
	for i := 0; i+1 < len(k.root.Content); i += 2 {
		field := k.root.Content[i]
		switch field.Value {
		case "resources", "components", "bases":
			for _, item := range k.root.Content[i+1].Content {
				if why := f.wrongPath(k, item); why != "" {
					return fmt.Errorf("%s:%d: %s: %q %s", k.file, item.Line, field.Value, item.Value, why)
				}
			}
		}
	}
	return nil
}

// wrongPath says what is wrong with what a kustomization lists, "" if nothing.
func (f *files) wrongPath(k *kustomization, item *yaml.Node) string {
	if item.Kind != yaml.ScalarNode {
		return ""
	}
	target := path.Join("/", path.Dir(k.file), item.Value)
	if !f.Exists(target) {
		return "is not there"
	}
	has := func(name string) bool { return f.Exists(path.Join(target, name)) }
	if f.IsDir(target) && !slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), has) {
		return "is a directory without a kustomization.yaml"
	}
	return ""
}

// field returns the first of the named fields that the kustomization has.
func (k *kustomization) field(names ...string) *yaml.Node {
	for i := 0; k.root != nil && i+1 < len(k.root.Content); i += 2 {
		if slices.Contains(names, k.root.Content[i].Value) {
			return k.root.Content[i]
		}
	}
	return nil
}

// locate adds the line to an error about an unknown field.
func (k *kustomization) locate(err error) error {
	_, quoted, ok := strings.Cut(err.Error(), `unknown field "`)
	if !ok {
		return err
	}
	name, _, _ := strings.Cut(quoted, `"`)
	if line := lineOf(k.root, name, 0); line > 0 {
		return fmt.Errorf("%s:%d: unknown field %q", k.file, line, name)
	}
	return err
}

// maxDepth bounds a walk through nodes.
const maxDepth = 100

// lineOf returns the line of the first key of this name, 0 if there is none.
func lineOf(n *yaml.Node, name string, depth int) int {
	if depth > maxDepth {
		return 0
	}
	for i, item := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && item.Value == name {
			return item.Line
		}
		if line := lineOf(item, name, depth+1); line > 0 {
			return line
		}
	}
	return 0
}
