package main

import (
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/validate"
)

// empty tells of Applications that render nothing, though there are manifests below
// their paths: no file fits a pattern, or all lie further down. One that is meant to be
// empty at times says so, with allowEmpty.
func (v *validation) empty() {
	rule, _ := validate.RuleNamed(validate.RuleEmptyApplication)
	for _, r := range v.rendered {
		if r.name == "" || r.result == nil || len(r.result.Set) > 0 || mayBeEmpty(r.app) || !v.manifestsBelow(r) {
			continue
		}
		v.add(r.name, ".", []validate.Finding{{
			Rule: rule.ID, Severity: rule.Severity, File: r.origin.File, Line: r.origin.Line,
			Message: "Application " + r.name + " renders nothing, and there are manifests below its path",
			Hint:    "look at the path, at include, exclude and recurse of its directory, and at the resources of its kustomization; if that is meant, set syncPolicy.automated.allowEmpty",
		}})
	}
}

func mayBeEmpty(app *api.Application) bool {
	policy := app.Spec.SyncPolicy
	return policy != nil && policy.Automated != nil && policy.Automated.AllowEmpty != nil && *policy.Automated.AllowEmpty
}

// manifestsBelow says whether the directories of an Application, those below, or those
// that it has read something of, have any manifest that it could state.
func (v *validation) manifestsBelow(r *rendering) bool {
	var dirs []string
	for _, s := range r.app.Spec.AllSources() {
		dirs = append(dirs, s.Path)
	}
	for _, file := range yamlRead(r.result) {
		dirs = append(dirs, path.Dir(file))
	}
	for _, dir := range dirs {
		dir = path.Join(r.prefix, dir) + "/"
		for file, text := range v.files.texts {
			if strings.HasPrefix(file, dir) && looksLikeManifest(file, text) {
				return true
			}
		}
	}
	return false
}
