package validate

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/plugins/strict"
)

// Externals are objects that a repository's configuration says others make. It is
// for one goroutine.
type Externals struct {
	all []*made
}

// made is one entry: kind, namespace and name may be patterns.
type made struct {
	text, kind, namespace, name string
	at                          Finding
	used                        bool
}

// ReadExternals reads the entries of a .tidelock.yaml:
//
//	validate:
//	  external:
//	    - Secret shop/registry-*
//	    - ServiceAccount */builder
//	    - PriorityClass business-critical
func ReadExternals(file string, text []byte) (*Externals, error) {
	var c configuration
	if err := strict.Decode(file, text, &c); err != nil {
		return nil, err
	}
	lines := entryLines(text, "external")
	e := &Externals{}
	for i, entry := range c.Validate.External {
		one := &made{text: entry, at: Finding{File: file}}
		if i < len(lines) {
			one.at.Line = lines[i]
		}
		if !one.parse() {
			return nil, fmt.Errorf("%s:%d: %q: an entry of external is \"KIND NAMESPACE/NAME\", or \"KIND NAME\" of a kind that lives in no namespace; * stands for anything in each", file, one.at.Line, entry)
		}
		e.all = append(e.all, one)
	}
	return e, nil
}

func (m *made) parse() bool {
	words := strings.Fields(m.text)
	if len(words) != 2 {
		return false
	}
	m.kind, m.name = words[0], words[1]
	if namespace, name, ok := strings.Cut(m.name, "/"); ok {
		m.namespace, m.name = namespace, name
	}
	for _, pattern := range []string{m.kind, m.namespace, m.name} {
		if _, err := path.Match(pattern, ""); err != nil {
			return false
		}
	}
	return m.name != "" && !strings.Contains(m.name, "/")
}

// Has says whether an entry is for an object. A namespace that is not known is any;
// without a name, the entry must be for all names.
func (e *Externals) Has(kind schema.GroupKind, namespace, name string) bool {
	if e == nil {
		return false
	}
	found := false
	for _, m := range e.all {
		if m.is(kind, namespace, name) {
			m.used, found = true, true
		}
	}
	return found
}

func (m *made) is(kind schema.GroupKind, namespace, name string) bool {
	if m.kind != kind.Kind && m.kind != kind.Group+"/"+kind.Kind && m.kind != "*" {
		return false
	}
	if namespace != "" && !matches(m.namespace, namespace) {
		return false
	}
	if name == "" {
		return m.name == "*"
	}
	return matches(m.name, name)
}

func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// Leftover returns the entries that nothing refers to.
func (e *Externals) Leftover() []Finding {
	if e == nil {
		return nil
	}
	var out []Finding
	for _, m := range e.all {
		if m.used {
			continue
		}
		f := m.at
		f.Rule, f.Severity = RuleUnusedIgnore, severityOf(RuleUnusedIgnore)
		f.Message, f.Hint = fmt.Sprintf("external: nothing refers to %s that is not made here", m.text), "remove it"
		out = append(out, f)
	}
	return out
}

// entryLines are where the entries of a list of the configuration begin.
func entryLines(text []byte, list string) []int {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	validate := entry(doc.Content[0], "validate")
	if validate == nil {
		return nil
	}
	entries := entry(validate, list)
	if entries == nil {
		return nil
	}
	var lines []int
	for _, item := range entries.Content {
		lines = append(lines, item.Line)
	}
	return lines
}
