package main

import (
	"regexp"

	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/validate"
)

// repeatedKey is what renderers say of a key that stands twice, which only they see.
var repeatedKey = regexp.MustCompile(`^(\S+:\d+): (?:not a Kubernetes object: )?(the key ".*" stands twice in one map.*): (keep one of them)$`)

// warned makes findings of what a renderer has warned of, where it is a fault of the
// files.
func (v *validation) warned(r *rendering) {
	for _, w := range r.result.Warnings {
		m := repeatedKey.FindStringSubmatch(w.Message)
		if w.Kind != pipeline.ConditionRenderWarning || m == nil {
			continue
		}
		file, line, ok := v.place(r.prefix, m[1])
		if !ok {
			continue
		}
		f := validate.Finding{Rule: validate.RuleRepeatedKey, Severity: validate.Warning, File: file, Line: line, Message: m[2], Hint: m[3]}
		if r.name != "" {
			f.Applications = []string{r.name}
		}
		v.findings = append(v.findings, f)
	}
}
