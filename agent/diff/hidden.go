package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Hidden is a difference that does not count, and why.
type Hidden struct {
	Field
	// Rule prints as: rule 1 (apps/Deployment): "/spec/replicas".
	Rule string `json:"rule"`
}

// String prints as "spec.replicas: live 3, desired 2; ignored by rule 1 (...)".
func (h Hidden) String() string { return h.Field.String() + "; ignored by " + h.Rule }

// Hidden returns in what fields a live object differs from the desired one, and
// that does not count: those that Fields without the rules has, and with them has
// not. Each names the first rule that suffices to hide it.
func (i *Ignore) Hidden(key manifest.Key, desired, live map[string]any) []Hidden {
	if !i.Concerns(key) {
		return nil
	}
	lost := missing(Fields(desired, live), i.Fields(key, desired, live))
	var all []Hidden
	for n, r := range i.rules {
		if !r.matches(key) {
			continue
		}
		for _, e := range r.expressions {
			only := &Ignore{rules: []rule{{Rule: r.Rule, expressions: []*expression{e}}}}
			rest := only.Fields(key, desired, live)
			for _, f := range missing(lost, rest) {
				all = append(all, Hidden{f, fmt.Sprintf("%s: %.80q", r.named(n), printable(e.text))})
			}
			lost = missing(lost, missing(lost, rest))
		}
	}
	for _, f := range lost {
		all = append(all, Hidden{f, "several rules together"})
	}
	slices.SortStableFunc(all, func(a, b Hidden) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// missing are the fields whose paths are not among others.
func missing(fields, others []Field) (all []Field) {
	for _, f := range fields {
		if !slices.ContainsFunc(others, func(o Field) bool { return o.Path == f.Path }) {
			all = append(all, f)
		}
	}
	return all
}

// Drifted says that somebody else made one of the values what it is, so that it
// is not for a change of what Git states that the object differs.
func Drifted(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool {
		return !f.Extra && f.Owner != (Owner{}) && !f.Owner.ours()
	})
}
