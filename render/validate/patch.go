package validate

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// inlinePatches are the documents within a kustomization's patches: those that
// merge, and lists of operations, which have the kind and name of their target.
func inlinePatches(file string, root *yaml.Node) []*document {
	var docs []*document
	for _, field := range []string{"patches", "patchesJson6902", "patchesStrategicMerge"} {
		list := entry(root, field)
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, item := range list.Content {
			text, target := item, (*yaml.Node)(nil)
			if item.Kind == yaml.MappingNode {
				text, target = entry(item, "patch"), entry(item, "target")
			}
			if text != nil && text.Kind == yaml.ScalarNode && text.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				docs = append(docs, inlinePatch(file, text, target)...)
			}
		}
	}
	return docs
}

// inlinePatch parses a block of text, whose first line is the one after its mark.
func inlinePatch(file string, text, target *yaml.Node) []*document {
	var docs []*document
	for in := yaml.NewDecoder(bytes.NewReader([]byte(text.Value))); ; {
		var node yaml.Node
		if in.Decode(&node) != nil {
			return docs
		}
		if len(node.Content) == 0 {
			continue
		}
		root := node.Content[0]
		shift(root, text.Line)
		d := newDocument(file, root)
		if target != nil {
			if kind := entry(target, "kind"); kind != nil {
				d.kind = kind.Value
			}
			if name := entry(target, "name"); name != nil {
				d.name = name.Value
			}
		}
		docs = append(docs, d)
	}
}

func shift(n *yaml.Node, by int) {
	n.Line += by
	for _, c := range n.Content {
		shift(c, by)
	}
}

// operation finds the operation of a JSON patch that set a field, or what it is in.
func (d *document) operation(steps []step, body any) (line, depth int, same bool) {
	line, depth = d.start, -1
	for _, op := range d.root.Content {
		pointer := entry(op, "path")
		if pointer == nil {
			continue
		}
		at := pointerSteps(pointer.Value)
		value := entry(op, "value")
		if len(at) == 0 || len(at) > len(steps) || !prefixOf(at, steps) || value == nil {
			continue
		}
		rest := steps[len(at):]
		inner := &document{root: value, start: value.Line}
		within := descend(body, steps[:len(at)])
		found, deep, agree := inner.find(rest, within)
		if deep == 0 && len(rest) == 0 {
			found = value.Line
		}
		if agree && len(at)+deep > depth {
			line, depth, same = found, len(at)+deep, true
		}
	}
	if !same {
		depth = -1 // a patch that did not do it says nothing
	}
	return line, depth, same
}

// pointerSteps reads a JSON pointer. "-" is the end of a list.
func pointerSteps(pointer string) []step {
	var steps []step
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		s := step{name, -1}
		if n, err := strconv.Atoi(name); err == nil && n >= 0 {
			s.index = n
		}
		steps = append(steps, s)
	}
	return steps
}

func prefixOf(at, steps []step) bool {
	for i, s := range at {
		if s.name != steps[i].name && (s.name != "-" || steps[i].index < 0) {
			return false
		}
	}
	return true
}

// descend returns what is at a path of an object.
func descend(v any, steps []step) any {
	for _, s := range steps {
		switch c := v.(type) {
		case map[string]any:
			v = c[s.name]
		case []any:
			if s.index < 0 || s.index >= len(c) {
				return nil
			}
			v = c[s.index]
		default:
			return nil
		}
	}
	return v
}
