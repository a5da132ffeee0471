package main

import (
	"fmt"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
)

// takeNewer takes out of an ExternalSecret's spec what this release of
// external-secrets does not know: syncWindows, which the host sees to, and
// nullBytePolicy. It returns the places where the latter is Fail.
func takeNewer(spec map[string]any) (map[string]bool, error) {
	delete(spec, "syncWindows")
	refuse := map[string]bool{}
	for _, list := range []struct {
		field string
		refs  []string
	}{{"data", []string{"remoteRef"}}, {"dataFrom", []string{"extract", "find"}}} {
		items, _ := spec[list.field].([]any)
		for i, item := range items {
			item, _ := item.(map[string]any)
			at := itemOf(list.field, i)
			for _, field := range list.refs {
				ref, _ := item[field].(map[string]any)
				switch policy := ref["nullBytePolicy"]; policy {
				case nil, "", "Ignore":
				case "Fail":
					refuse[at] = true
				default:
					return nil, fmt.Errorf("spec.%s.%s.nullBytePolicy: %q is neither Ignore nor Fail", at, field, policy)
				}
				delete(ref, "nullBytePolicy")
			}
		}
	}
	return refuse, nil
}

// itemOf names an item of a list of spec.
func itemOf(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// upgrade turns the spec of a v1alpha1 ExternalSecret into that of v1. Templates
// of that time, which mean something else, it refuses.
func upgrade(spec map[string]any) error {
	items, _ := spec["dataFrom"].([]any)
	for i, item := range items {
		if _, ok := item.(map[string]any); !ok {
			return fmt.Errorf("spec.%s: it is no object", itemOf("dataFrom", i))
		}
		items[i] = map[string]any{"extract": item}
	}
	target, _ := spec["target"].(map[string]any)
	template, _ := target["template"].(map[string]any)
	if template == nil {
		return nil
	}
	switch version := template["engineVersion"]; version {
	case string(esv1.TemplateEngineV2):
		return nil
	case nil, "", "v1":
	default:
		return fmt.Errorf("spec.target.template.engineVersion: %q is not known", version)
	}
	if template["data"] != nil || template["templateFrom"] != nil || hasTemplates(template["metadata"]) {
		return fmt.Errorf("spec.target.template: v1alpha1 means engineVersion v1, which external-secrets has no more: state engineVersion v2, and what its functions are called now")
	}
	template["engineVersion"] = string(esv1.TemplateEngineV2)
	return nil
}

// hasTemplates tells if labels or annotations would be executed by engine v2, as
// v1 never did.
func hasTemplates(node any) bool {
	switch node := node.(type) {
	case string:
		return strings.Contains(node, "{{")
	case map[string]any:
		for _, value := range node {
			if hasTemplates(value) {
				return true
			}
		}
	}
	return false
}
