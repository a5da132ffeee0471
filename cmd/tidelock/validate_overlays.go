package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// overlays looks at what kustomizations say and kustomize passes over in silence: a
// patch of nothing, a key that stands there twice.
func (v *validation) overlays() {
	all := map[string]*kustomization{}
	var order []string
	for _, r := range v.rendered {
		if r.result == nil || !slices.Contains(r.result.Types, api.SourceTypeKustomize) {
			continue
		}
		files := yamlRead(r.result)
		unlike := slices.ContainsFunc(files, func(file string) bool { return makesUnlike.MatchString(v.text(r.prefix, file)) })
		for _, file := range files {
			at := path.Join(r.prefix, file)
			if !isKustomization(file) {
				continue
			}
			if all[at] == nil {
				all[at] = readKustomization(v.text(r.prefix, file))
				order = append(order, at)
			}
			all[at].meet(r.result.Set, unlike)
		}
	}
	slices.Sort(order)
	for _, file := range order {
		for _, t := range all[file].targets {
			if !t.met {
				v.findings = append(v.findings, t.finding(file))
			}
		}
	}
}

// makesUnlike finds patches and replacements after which an object is not there any more, or
// under another name or kind: targets are compared with what it was before, too.
var makesUnlike = regexp.MustCompile(`\$patch["']?\s*:\s*["']?delete|/metadata/name\b|\bmetadata\.name\b|allowNameChange|allowKindChange|["'\s]/kind\b`)

func isKustomization(file string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(file))
}

// text is that of a file that a render has read, "" if it is none any more.
func (v *validation) text(prefix, file string) string {
	at := path.Join(prefix, file)
	read := func() ([]byte, error) { return fs.ReadFile(v.tree, at) }
	if prefix != "." {
		read = func() ([]byte, error) { return os.ReadFile(v.onDisk(at)) }
	}
	text, err := read()
	if err != nil {
		return ""
	}
	return string(text)
}

// A kustomization is what is looked at of one.
type kustomization struct{ targets []*patchTarget }

// A patchTarget says what a patch, or a replacement, is for.
type patchTarget struct {
	what string // "patch", or "replacement"
	node *yaml.Node
	kind *regexp.Regexp // nil for all
	name *regexp.Regexp
	text string
	met  bool // something that it is for is rendered, or it is not known
}

func readKustomization(text string) *kustomization {
	k := &kustomization{}
	if !strings.Contains(text, "target") && !strings.Contains(text, "select") {
		return k
	}
	type patchOf struct{ Target yaml.Node }
	var file struct {
		Patches      []patchOf
		Old          []patchOf `yaml:"patchesJson6902"`
		Replacements []struct {
			Targets []struct{ Select yaml.Node }
		}
	}
	if yaml.Unmarshal([]byte(text), &file) != nil {
		return k // its render told
	}
	for _, p := range slices.Concat(file.Patches, file.Old) {
		k.add("patch", p.Target)
	}
	for _, r := range file.Replacements {
		for _, t := range r.Targets {
			k.add("replacement", t.Select)
		}
	}
	return k
}

// add takes over a target. What cannot be read is left to kustomize.
func (k *kustomization) add(what string, node yaml.Node) {
	var target struct{ Kind, Name string }
	if node.Kind != yaml.MappingNode || node.Decode(&target) != nil || target.Kind == "" && target.Name == "" {
		return
	}
	t := &patchTarget{what: what, node: &node, text: strings.TrimSpace(target.Kind + " " + target.Name)}
	var err error
	if t.kind, err = regexp.Compile("^(?:" + target.Kind + ")$"); err != nil {
		return
	}
	if t.name, err = regexp.Compile(strings.NewReplacer("^", "", "$", "").Replace(target.Name)); err != nil {
		return
	}
	if target.Kind == "" {
		t.kind = nil
	}
	k.targets = append(k.targets, t)
}

// meet compares targets with what comes out in the end. Names may have got something
// before and behind them on the way, kinds not; unlike says that more may have changed.
func (k *kustomization) meet(set manifest.Set, unlike bool) {
	for _, t := range k.targets {
		t.met = t.met || unlike || slices.ContainsFunc(set, func(o *manifest.Object) bool {
			return (t.kind == nil || t.kind.MatchString(o.Key.Kind)) && t.name.MatchString(o.Key.Name)
		})
	}
}

func (t *patchTarget) finding(file string) validate.Finding {
	rule, _ := validate.RuleNamed(validate.RulePatchTarget)
	return validate.Finding{
		Rule: rule.ID, Severity: rule.Severity, File: file, Line: t.node.Line,
		Message: fmt.Sprintf("the %s is for %s, and nothing that is rendered is that: kustomize passes over it in silence", t.what, t.text),
		Hint:    "correct the target, or remove the " + t.what,
	}
}
