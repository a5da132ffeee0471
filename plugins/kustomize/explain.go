package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// explain finds the place that an error of kustomize is about, for kustomize
// seldom names it: the first kustomization in which something is plainly wrong,
// or else what the error has words for. It is called after a failure only, so it
// may look at everything again.
func (f *files) explain(err error) error {
	for _, k := range f.read {
		if why := f.wrongWith(k); why != nil {
			return why
		}
	}
	if file, why := f.malformed(); why != nil {
		return fmt.Errorf("%s%w", file, redact(why, f.secrets()...))
	}
	return f.reworded(err)
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

// wrongType is how a field of the wrong type is reported.
var wrongType = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w+\.([\w.]+) of type (\S+)`)

// wanted names a type of Go as a person would, who writes YAML.
func wanted(goType, given string) string {
	switch {
	case goType == "string" && (given == "number" || given == "bool"):
		return "a string: put it in quotes"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.Contains(goType, "."):
		return "a map"
	case goType == "string":
		return "a string"
	case goType == "bool":
		return "true or false"
	}
	return "a number"
}

// locate adds the line to an error about a field that is unknown or of the wrong
// type.
func (k *kustomization) locate(err error) error {
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		field := m[2][strings.LastIndex(m[2], ".")+1:]
		line := lineOf(k.root, func(n *yaml.Node, isKey bool) bool { return isKey && strings.EqualFold(n.Value, field) }, 0)
		return fmt.Errorf("%s: %s is of the type %s, wanted is %s", k.place(line), m[2], m[1], wanted(m[3], m[1]))
	}
	_, quoted, ok := strings.Cut(err.Error(), `unknown field "`)
	if !ok {
		return err
	}
	name, _, _ := strings.Cut(quoted, `"`)
	if line := lineOf(k.root, func(n *yaml.Node, isKey bool) bool { return isKey && n.Value == name }, 0); line > 0 {
		return fmt.Errorf("%s: unknown field %q", k.place(line), name)
	}
	return err
}

// lineOf returns the line of the first scalar of this value, 0 if there is none.
func (k *kustomization) lineOf(value string) int {
	if k.root == nil {
		return 0
	}
	return lineOf(k.root, func(n *yaml.Node, isKey bool) bool { return !isKey && n.Kind == yaml.ScalarNode && n.Value == value }, 0)
}

// maxDepth bounds a walk through nodes.
const maxDepth = 100

// lineOf returns the line of the first node that is meant, 0 if there is none.
func lineOf(n *yaml.Node, meant func(n *yaml.Node, isKey bool) bool, depth int) int {
	if depth > maxDepth {
		return 0
	}
	for i, item := range n.Content {
		if meant(item, n.Kind == yaml.MappingNode && i%2 == 0) {
			return item.Line
		}
		if line := lineOf(item, meant, depth+1); line > 0 {
			return line
		}
	}
	return 0
}
