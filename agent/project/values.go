package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A valuesFrom is one entry of api.AnnotationAllowValuesFrom: a kind and a glob of names.
type valuesFrom struct {
	kind string
	name *glob.Pattern
}

// newValuesFrom reads the annotation. An entry that cannot be read permits nothing,
// which the second result says.
func newValuesFrom(annotations map[string]string) (entries []valuesFrom, mistakes []string) {
	for text := range strings.SplitSeq(annotations[api.AnnotationAllowValuesFrom], ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		kind, name, _ := strings.Cut(text, "/")
		compiled, err := newGlob(name)
		switch {
		case kind != "Secret" && kind != "ConfigMap", name == "", strings.HasPrefix(name, "!"), err != nil:
			mistakes = append(mistakes, fmt.Sprintf("metadata.annotations[%s]: %.80q permits nothing: write Secret/NAME or ConfigMap/NAME, where NAME may be a pattern", api.AnnotationAllowValuesFrom, text))
		default:
			entries = append(entries, valuesFrom{kind, compiled})
		}
	}
	return entries, mistakes
}

// Values says whether Applications may take values from a Secret or a ConfigMap of
// their own namespace. It is refused unless the project names it.
func (r *Rules) Values(kind, name string) Verdict {
	if slices.ContainsFunc(r.values, func(v valuesFrom) bool { return v.kind == kind && v.name.Match(name) }) {
		return allowed
	}
	return r.refusef("no values may be taken from %s %s; to allow it, annotate the AppProject with %s: %s/%s", kind, name, api.AnnotationAllowValuesFrom, kind, name)
}
