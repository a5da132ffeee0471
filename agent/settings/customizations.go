package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health/script"
	"go.yaml.in/yaml/v3"
)

// Customizations are in one key for each kind and aspect, or all in one key, which
// is the old form. The new keys win.
const (
	oldKey         = "resource.customizations"
	customizations = oldKey + "."
)

// The aspects, by their names in new keys.
const (
	aspectHealth    = "health"
	aspectOpenLibs  = "useOpenLibs"
	aspectIgnore    = "ignoreDifferences"
	aspectUpdates   = "ignoreResourceUpdates"
	aspectActions   = "actions"
	aspectTypes     = "knownTypeFields"
	everyKind       = "all"
	maxRules        = 200 // for all Applications; each has some of its own
	separatorOfKeys = "_" // between group and kind, for keys hold no slash
)

// without says why an aspect needs no action.
var without = map[string]string{
	aspectUpdates: "changes that change nothing of what is tracked cause no work anyway",
	aspectActions: "there are no actions",
	aspectTypes:   "the API server compares, and knows all types",
}

// A customization is one aspect of kinds.
type customization struct {
	place
	aspect string
	kinds  pattern
	known  *entry // what is to stay of it; nil if it is to be read
}

// customizations reads both forms.
func (r *reading) customizations(data map[string]string) {
	all := map[string]customization{}
	for _, c := range append(r.old(data[oldKey]), r.split(data)...) {
		all[c.aspect+" "+c.kinds.String()] = c
	}
	var scripts []script.Entry
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch c := all[id]; c.aspect {
		case aspectHealth:
			if e, ok := r.health(c, all[aspectOpenLibs+" "+c.kinds.String()]); ok {
				scripts = append(scripts, *e.script)
			}
		case aspectIgnore:
			if e, ok := r.ignore(c); ok {
				r.settings.Ignore = append(r.settings.Ignore, *e.rule)
			}
		}
	}
	if len(scripts) > 0 {
		r.settings.Health = script.NewSet(scripts)
	}
}

// split finds the keys of the new form.
func (r *reading) split(data map[string]string) (all []customization) {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		rest, ok := strings.CutPrefix(key, customizations)
		if !ok {
			continue
		}
		aspect, kinds, _ := strings.Cut(rest, ".")
		at := place{name: key, text: data[key]}
		switch why, idle := without[aspect]; {
		case idle:
			r.note("%s has no effect: %s", key, why)
			continue
		case aspect != aspectHealth && aspect != aspectOpenLibs && aspect != aspectIgnore:
			r.note("%s is not acted on", key)
			continue
		}
		p, err := &pattern{"*", "*"}, error(nil)
		if kinds != everyKind {
			p, err = newPattern(kinds, separatorOfKeys)
		}
		if err != nil {
			r.settings.Problems = append(r.settings.Problems, at.problem(err))
			continue
		}
		at.kinds = p
		all = append(all, customization{place: at, aspect: aspect, kinds: *p})
	}
	return all
}

// old finds the customizations of the old form: a mapping of kinds to mappings. If
// it cannot be read as a whole, all of it stays as it was.
func (r *reading) old(text string) (all []customization) {
	var doc map[string]yaml.Node
	if err := decode(text, &doc); err != nil {
		r.settings.Problems = append(r.settings.Problems, place{name: oldKey}.problem(err))
		return r.remembered()
	}
	for _, kinds := range slices.Sorted(maps.Keys(doc)) {
		node := doc[kinds]
		at := place{name: fmt.Sprintf("%s[%s]", oldKey, kinds), line: node.Line}
		p, err := newPattern(kinds, "/")
		var aspects map[string]yaml.Node
		if err == nil {
			err = node.Decode(&aspects)
		}
		if err != nil {
			r.settings.Problems = append(r.settings.Problems, Problem{Place: at.name, Line: node.Line, Text: worded(err).Error()})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(aspects)) {
			if c, ok := r.oldAspect(at.name, name, *p, aspects[name]); ok {
				all = append(all, c)
			}
		}
	}
	return all
}

// oldAspects are the names that the old form has for them.
var oldAspects = map[string]string{
	"health.lua": aspectHealth, "health.lua.useOpenLibs": aspectOpenLibs, "ignoreDifferences": aspectIgnore,
	"ignoreResourceUpdates": aspectUpdates, "actions": aspectActions, "knownTypeFields": aspectTypes,
}

func (r *reading) oldAspect(kinds, name string, p pattern, node yaml.Node) (customization, bool) {
	at := place{name: kinds + "." + name, text: node.Value, line: node.Line - 1, kinds: &p}
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		at.line++ // the text begins below
	}
	aspect, known := oldAspects[name]
	switch why, idle := without[aspect]; {
	case !known:
		r.note("%s is not acted on", at.name)
		return customization{}, false
	case idle:
		r.note("%s has no effect: %s", at.name, why)
		return customization{}, false
	case node.Kind != yaml.ScalarNode:
		r.settings.Problems = append(r.settings.Problems, Problem{Place: at.name, Line: node.Line, Text: "it has to be a text, which begins with |", kinds: &p})
		return customization{}, false
	}
	return customization{place: at, aspect: aspect, kinds: p}, true
}

// remembered are the customizations of the old form as they were last.
func (r *reading) remembered() (all []customization) {
	if r.last == nil {
		return nil
	}
	for name, e := range r.last.entries {
		c := customization{place: place{name: name}, known: &e}
		switch {
		case !strings.HasPrefix(name, oldKey+"["):
			continue
		case e.script != nil:
			c.aspect, c.kinds = aspectHealth, pattern{e.script.Group, e.script.Kind}
		case e.rule != nil:
			c.aspect, c.kinds = aspectIgnore, pattern{e.rule.Group, e.rule.Kind}
		}
		all = append(all, c)
	}
	return all
}

// takes is take for a customization.
func (r *reading) takes(c customization, read func() (entry, error)) (entry, bool) {
	if c.known != nil {
		r.settings.entries[c.name] = *c.known
		return *c.known, true
	}
	return r.take(c.place, read)
}

// health compiles a script, once for as long as it is the same. Open says whether
// it has the open libraries.
func (r *reading) health(c, open customization) (entry, bool) {
	text, libraries := c.text, false
	if open.name != "" {
		e, _ := r.takes(open, func() (entry, error) { return readFlag(open.text) })
		libraries = e.flag
		c.text = fmt.Sprintf("%v %s", libraries, text)
	}
	return r.takes(c, func() (entry, error) {
		compiled, err := script.Compile(fmt.Sprintf("%s of ConfigMap %s", c.name, ConfigMap), text, libraries)
		if err != nil {
			return entry{}, lineOf(err)
		}
		return entry{script: &script.Entry{Group: c.kinds.group, Kind: c.kinds.kind, Script: compiled}}, nil
	})
}

// lineOf takes the line out of an error of the Lua compiler.
func lineOf(err error) error {
	m := atLine.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	return worded(err)
}

// ignoreRule is diff.Rule as the ConfigMap has it.
type ignoreRule struct {
	JSONPointers          []string `yaml:"jsonPointers"`
	JQPathExpressions     []string `yaml:"jqPathExpressions"`
	ManagedFieldsManagers []string `yaml:"managedFieldsManagers"`
}

// ignore reads a rule, and checks it as it will be used.
func (r *reading) ignore(c customization) (entry, bool) {
	if len(r.settings.Ignore) == maxRules {
		r.settings.Problems = append(r.settings.Problems, c.problem(fmt.Errorf("there are more than %d rules", maxRules)))
		return entry{}, false
	}
	return r.takes(c, func() (entry, error) {
		var written ignoreRule
		if err := decode(c.text, &written); err != nil {
			return entry{}, err
		}
		rule := diff.Rule{
			Group: c.kinds.group, Kind: c.kinds.kind, JSONPointers: written.JSONPointers,
			JQPathExpressions: written.JQPathExpressions, ManagedFieldsManagers: written.ManagedFieldsManagers,
		}
		if _, err := diff.NewIgnore(nil, rule); err != nil {
			return entry{}, err
		}
		return entry{rule: &rule}, nil
	})
}
