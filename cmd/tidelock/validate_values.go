package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/scan"
)

// confidential are the names of values that are secrets. Charts put more into
// Secrets: users, hosts, ports.
var confidential = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|credential|api[-_.]?key|private[-_.]?key|access[-_.]?key|dsn|(database|connection)[-_.]?ur[il])s?$`)

// chartValues finds values in clear that charts make Secrets of: those of values
// files and of Applications that are, to the letter, what a Secret holds.
func (v *validation) chartValues() []validate.Finding {
	var all []validate.Finding
	for _, r := range v.rendered {
		if r.result == nil || !slices.Contains(r.result.Types, api.SourceTypeHelm) {
			continue
		}
		held := heldBy(r)
		if len(held) == 0 {
			continue
		}
		for _, file := range valuesRead(r) {
			at := path.Join(r.prefix, file)
			text, err := os.ReadFile(v.onDisk(at))
			if err == nil && sops.Encrypted(at, text) == "" {
				all = append(all, held.in(at, r.name, text, 0)...)
			}
		}
		if text, ok := v.files.texts[r.origin.File]; ok && r.name != "" {
			all = append(all, held.inApplication(r, text)...)
		}
	}
	return all
}

// heldValues are the items of Secrets, by the marks of what they hold.
type heldValues map[string]string

// heldBy are those of the Secrets that a render makes. What stands for a secret, or
// is too short to be told from others, is none.
func heldBy(r *rendering) heldValues {
	const least = 4
	held := heldValues{}
	for _, o := range r.result.Set {
		for item, value := range o.Data() {
			if value.Len() >= least {
				held[value.Mark()] = fmt.Sprintf("%s of Secret %s", item, o.Key.Name)
			}
		}
	}
	return held
}

// valuesRead are the values files that a render has read: its YAML, templates and
// manifests aside.
func valuesRead(r *rendering) []string {
	var files []string
	for _, in := range r.result.Inputs {
		for _, f := range in.Files {
			dir := path.Base(path.Dir(f.Path))
			if f.Op == git.OpRead && f.Error == "" && wantedToValidate(f.Path) && dir != "templates" && dir != "crds" && path.Base(f.Path) != "Chart.yaml" {
				files = append(files, f.Path)
			}
		}
	}
	return files
}

// in looks through the scalars of a text whose first line is the one after so many.
func (h heldValues) in(at, app string, text []byte, after int) []validate.Finding {
	var all []validate.Finding
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		if decoder.Decode(&doc) != nil {
			return all
		}
		h.node(&doc, "", func(n *yaml.Node, name, item string) {
			all = append(all, valueFinding(at, app, n.Line+after, name, item))
		})
	}
}

func valueFinding(at, app string, line int, name, item string) validate.Finding {
	f := validate.Finding{
		Rule: validate.RuleSecretPlain, Severity: validate.Error, File: at, Line: line,
		Message: fmt.Sprintf("the value %s is in clear, and the chart makes of it %s", name, item),
		Hint:    "keep it in a values file that SOPS encrypts, and change it if it was ever pushed",
	}
	if app != "" {
		f.Applications = []string{app}
	}
	return f
}

// node calls found with the scalars that a Secret holds and whose name, or the name
// of the item, says that they are secret.
func (h heldValues) node(n *yaml.Node, name string, found func(n *yaml.Node, name, item string)) {
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, child := range n.Content {
			h.node(child, name, found)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			h.node(n.Content[i+1], n.Content[i].Value, found)
		}
	case yaml.ScalarNode:
		item, held := h[secrets.New([]byte(n.Value)).Mark()]
		if held && !scan.Placeholder(n.Value) && (confidential.MatchString(name) || confidential.MatchString(itemName(item))) {
			found(n, name, item)
		}
	}
}

func itemName(item string) string {
	name, _, _ := bytes.Cut([]byte(item), []byte(" of Secret "))
	return string(name)
}

// inApplication looks through the values that an Application gives a chart itself.
func (h heldValues) inApplication(r *rendering, text []byte) []validate.Finding {
	var all []validate.Finding
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		if decoder.Decode(&doc) != nil {
			return all
		}
		if len(doc.Content) == 0 || doc.Content[0].Line != r.origin.Line {
			continue
		}
		found := func(n *yaml.Node, name, item string) {
			all = append(all, valueFinding(r.origin.File, r.name, n.Line, name, item))
		}
		for _, helm := range helmFields(doc.Content[0]) {
			h.helm(helm, found)
			if inline := field(helm, "values"); inline != nil && inline.Kind == yaml.ScalarNode {
				after := inline.Line
				if inline.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
					after--
				}
				all = append(all, h.in(r.origin.File, r.name, []byte(inline.Value), after)...)
			}
		}
	}
}

func (h heldValues) helm(helm *yaml.Node, found func(n *yaml.Node, name, item string)) {
	if object := field(helm, "valuesObject"); object != nil {
		h.node(object, "", found)
	}
	for _, list := range []string{"parameters", "fileParameters"} {
		parameters := field(helm, list)
		if parameters == nil {
			continue
		}
		for _, p := range parameters.Content {
			if name, value := field(p, "name"), field(p, "value"); name != nil && value != nil {
				h.node(value, name.Value, found)
			}
		}
	}
}

// helmFields are those of all sources of an Application.
func helmFields(app *yaml.Node) []*yaml.Node {
	spec := field(app, "spec")
	var sources []*yaml.Node
	if one := field(spec, "source"); one != nil {
		sources = append(sources, one)
	}
	if list := field(spec, "sources"); list != nil {
		sources = append(sources, list.Content...)
	}
	var all []*yaml.Node
	for _, s := range sources {
		if helm := field(s, "helm"); helm != nil {
			all = append(all, helm)
		}
	}
	return all
}

// field returns the value of a key, nil if there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
