package diff

import (
	"fmt"
	"slices"
	"strings"
)

// Unused names the rules of the Application that are of no use to what was
// compared: those that are about none of its objects, and the expressions that
// have never found anything in one that is live. Of an object that is not there
// yet nothing is known, nor of what a field manager will do. Rules of argocd-cm
// are not among them.
func (i *Ignore) Unused(changes []Change) (all []string) {
	if i == nil {
		return nil
	}
	for n, r := range i.rules {
		if r.system {
			continue
		}
		about := slices.Collect(func(yield func(Change) bool) {
			for _, c := range changes {
				if r.matches(c.Key) && !yield(c) {
					return
				}
			}
		})
		switch {
		case len(about) == 0:
			all = append(all, fmt.Sprintf("%s is about no object of the application", r.named(n)))
		case !slices.ContainsFunc(about, func(c Change) bool { return c.Live == nil }):
			all = append(all, r.idle(n)...)
		}
	}
	return all
}

// idle names a rule's expressions that never found anything.
func (r rule) idle(n int) (all []string) {
	for _, e := range r.expressions {
		switch {
		case e.slow.Load() >= jqTries:
			all = append(all, fmt.Sprintf("%s: %.80q takes more than %s on an object, and is left out", r.named(n), e.text, jqTime))
		case !e.used.Load() && !e.awaits:
			all = append(all, fmt.Sprintf("%s: %.80q finds nothing in what is live", r.named(n), e.text))
		}
	}
	return all
}

// named prints as "rule 2 (apps/Deployment shop/web)".
func (r rule) named(n int) string {
	word := fmt.Sprintf("rule %d", n+1)
	if r.system {
		word = "a rule of ConfigMap argocd-cm"
	}
	kind := strings.TrimPrefix(r.Group+"/"+r.Kind, "/")
	name := strings.TrimPrefix(r.Namespace+"/"+r.Name, "/")
	return fmt.Sprintf("%s (%s)", word, strings.TrimSpace(fmt.Sprintf("%.80s %.80s", kind, name)))
}
