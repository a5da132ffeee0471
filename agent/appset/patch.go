package appset

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// patched merges a rendered templatePatch over an Application, and tells which fields
// of it no Application has. It cannot change the project, which decides what the
// Application may do.
func patched(app *api.Application, patch string) (out *api.Application, unknown []string, err error) {
	if strings.TrimSpace(patch) == "" {
		return app, nil, nil
	}
	text, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		return nil, nil, failf(ErrTemplate, "what it gives is no YAML: %s", yamlText(err))
	}
	if unknown, err = unknownFields(text); err != nil {
		return nil, nil, err
	}
	before, err := json.Marshal(app)
	if err != nil {
		return nil, nil, failf(ErrTemplate, "%w", err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, text, api.Application{})
	if err != nil {
		return nil, nil, failf(ErrTemplate, "it cannot be applied: %w", err)
	}
	out = &api.Application{}
	if err := json.Unmarshal(after, out); err != nil {
		return nil, nil, failf(ErrTemplate, "what it gives is no Application: %s", yamlText(err))
	}
	out.Spec.Project = app.Spec.Project
	return out, unknown, nil
}

// unknownFields are those that no Application has; directives, such as $patch, are none.
func unknownFields(text []byte) (names []string, err error) {
	unknown, err := kjson.UnmarshalStrict(text, &api.Application{})
	if err != nil {
		return nil, failf(ErrTemplate, "what it gives is no part of an Application: %s", yamlText(err))
	}
	for _, u := range unknown {
		name := strings.Trim(strings.TrimPrefix(u.Error(), "unknown field "), `"`)
		if !strings.Contains("."+name, ".$") {
			names = append(names, name)
		}
	}
	return names, nil
}
