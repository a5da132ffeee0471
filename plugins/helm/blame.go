package helm

import (
	"fmt"
	"path"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// setBy says where the value at a path was set: in the strongest layer that has
// it, or in a chart's own values. Of a path that nobody set it is the nearest
// that somebody did.
func (r *rendering) setBy(full []string) string {
	for n := len(full); n >= 0; n-- {
		if place := r.setHere(full[:n]); place != "" {
			return place
		}
	}
	return path.Join(r.root, valuesFile)
}

func (r *rendering) setHere(full []string) string {
	for _, l := range slices.Backward(r.inputs.layers) {
		if len(full) > 0 && has(l.values, full) {
			return l.at(full)
		}
	}
	return r.charts.setHere(r.chart, full)
}

// setHere looks into the values of a chart, and of its dependencies.
func (l *loading) setHere(c *chart.Chart, full []string) string {
	for _, f := range c.Raw {
		if line := lineAt(f.Data, full); f.Name == valuesFile && line > 0 {
			return fmt.Sprintf("%s:%d", path.Join(l.dir(c), valuesFile), line)
		}
	}
	for _, sub := range c.Dependencies() {
		if len(full) > 1 && sub.Name() == full[0] {
			return l.setHere(sub, full[1:])
		}
	}
	return ""
}

// at is the layer's name with the line of a path.
func (l layer) at(full []string) string {
	if line := lineAt(l.text, full); line > 0 {
		return fmt.Sprintf("%s:%d", l.name, line)
	}
	return l.name
}

// has says whether values have something at a path.
func has(values any, full []string) bool {
	for _, part := range full {
		switch v := values.(type) {
		case map[string]any:
			below, ok := v[part]
			if !ok {
				return false
			}
			values = below
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return false
			}
			values = v[i]
		default:
			return false
		}
	}
	return true
}

// lineAt returns the line of the value at a path, 0 if it is not there. Of
// several documents the last one counts that has it.
func lineAt(text []byte, full []string) (line int) {
	for _, n := range documentsOf(text) {
		at := 0
		for _, part := range full {
			if n, at = below(n, part); n == nil {
				break
			}
		}
		if n != nil && at > 0 {
			line = at
		}
	}
	return line
}

// below returns a part of a map or list, and its line.
func below(n *yaml.Node, part string) (*yaml.Node, int) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			if n.Content[i].Value == part {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	}
	return nil, 0
}
