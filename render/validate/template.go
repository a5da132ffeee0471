package validate

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// templated stands for what a template will print.
const templated = "tidelockTemplated"

var (
	action  = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	control = regexp.MustCompile(`^\{\{-?\s*(if|else|end|range|with|define|block|template|break|continue|/\*|\$\w*\s*:?=|-?\}\})`)
)

// plain makes YAML of a template of Helm, as far as that goes, line by line: what
// steers is left out, what is printed in a line becomes a word. Lines that only
// print others are empty.
func plain(text []byte) []byte {
	text = action.ReplaceAllFunc(text, func(a []byte) []byte {
		lines := bytes.Repeat([]byte("\n"), bytes.Count(a, []byte("\n")))
		if control.Match(a) {
			return lines
		}
		return append([]byte(templated), lines...)
	})
	rows := strings.SplitAfter(string(text), "\n")
	for i, row := range rows {
		if strings.Trim(strings.ReplaceAll(row, templated, ""), " \t\r\n-") == "" && !strings.HasPrefix(row, "---") {
			rows[i] = strings.Repeat("\n", strings.Count(row, "\n"))
		}
	}
	return []byte(strings.Join(rows, ""))
}

// isTemplate says whether a file is one of Helm's.
func isTemplate(file string, text []byte) bool {
	return (strings.Contains(file, "/templates/") || strings.HasPrefix(file, "templates/")) && bytes.Contains(text, []byte("{{"))
}

// printed says whether a node is, or has within its text, what a template prints.
func printed(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, templated)
}

// nameFits says whether an object may have the name that a document gives it.
func (d *document) nameFits(name string) bool {
	if parts := strings.Split(d.name, templated); len(parts) > 1 {
		return strings.HasPrefix(name, parts[0]) && strings.HasSuffix(name, parts[len(parts)-1])
	}
	return strings.Contains(name, d.name)
}

// onlyPrinted returns the one item of a list whose name a template prints, such as
// that of a loop.
func onlyPrinted(list *yaml.Node) *yaml.Node {
	var found *yaml.Node
	for _, n := range list.Content {
		if printed(entry(n, "name")) {
			if found != nil {
				return nil
			}
			found = n
		}
	}
	return found
}

// loops says whether the one item of a list is printed for each of several.
func loops(list *yaml.Node) bool { return len(list.Content) == 1 && prints(list.Content[0]) }

// prints says whether there is something within a node that a template prints.
func prints(n *yaml.Node) bool { return printed(n) || slices.ContainsFunc(n.Content, prints) }
