package references

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/tidelock-io/tidelock/render/validate"
)

// choice looks for what a selector is for.
func (j *judge) choice(s *choice) {
	if len(s.selector) == 0 {
		return // what is decided at run time
	}
	if j.of.namespace == "" && len(s.namespaces) == 1 && s.namespaces[0] == j.of.by.Key.Namespace {
		s.namespaces = []string{""}
	}
	shelves := j.shelves(s)
	var found []*labelled
	for _, shelf := range shelves {
		found = append(found, shelf.find(s.selector)...)
	}
	if len(found) > 0 {
		j.ports(s, found)
		return
	}
	if j.whole && !j.drafts[j.of.part] && !j.mayBeSelected(s, shelves) {
		j.nothing(s, shelves)
	}
}

// shelves are where a selector looks.
func (j *judge) shelves(s *choice) []*shelf {
	var all []*shelf
	for _, k := range j.home.kin {
		from := k.pods
		if s.kind == kindService {
			from = k.svcs
		}
		if s.everywhere || slices.Contains(s.namespaces, "") {
			for _, namespace := range sortedKeys(from) {
				all = append(all, from[namespace])
			}
			continue
		}
		for _, namespace := range append(slices.Clone(s.namespaces), "") {
			if from[namespace] != nil {
				all = append(all, from[namespace])
			}
		}
	}
	return all
}

// mayBeSelected says whether something else may be there.
func (j *judge) mayBeSelected(s *choice, shelves []*shelf) bool {
	if s.everywhere && j.partly(j.home) || s.quiet && len(shelves) == 0 {
		return true
	}
	if s.kind == kindService && j.selectsKubernetes(s) {
		return true
	}
	namespaces := s.namespaces
	if s.everywhere {
		for _, k := range j.home.kin {
			namespaces = append(namespaces, sortedKeys(k.seen)...)
		}
	}
	return slices.ContainsFunc(namespaces, func(namespace string) bool {
		return j.opaque(j.home, namespace) || j.external.Has(s.kind, namespace, "") || namespace != j.of.namespace && !j.reaches(j.home, namespace) ||
			slices.ContainsFunc(j.home.kin, func(k *cluster) bool { return k.makers.may(s.kind, namespace, "") })
	})
}

// selectsKubernetes says whether a monitor is for the API server itself.
func (j *judge) selectsKubernetes(s *choice) bool {
	n, _ := fails(s.selector, labels.Set{"component": "apiserver", "provider": "kubernetes"})
	return n == 0 && (s.everywhere || slices.Contains(s.namespaces, "default"))
}

// nothing tells of a selector that is for nothing, and what comes nearest.
func (j *judge) nothing(s *choice, shelves []*shelf) {
	var closest *labelled
	var off labels.Requirement
	least := len(s.selector)
	for _, shelf := range shelves {
		for _, l := range shelf.all[:min(len(shelf.all), maxCompared)] {
			if n, last := fails(s.selector, l.labels); n < least || closest == nil && n == 1 && isSlip(last, l.labels) {
				closest, least, off = l, n, last
			}
		}
	}
	about := place{kind: s.kind, name: s.at}
	message := fmt.Sprintf("it selects nothing: no %s%s has %s", s.kind.Kind, j.where(strings.Join(s.namespaces, ", ")), textOf(s.selector))
	if s.everywhere {
		message = fmt.Sprintf("it selects nothing: no %s here has %s", s.kind.Kind, textOf(s.selector))
	}
	if closest == nil {
		j.add(validate.RuleSelectsNothing, s.at, about, message, "")
		return
	}
	has := "has no " + off.Key()
	if closest.labels.Has(off.Key()) {
		has = "has " + off.Key() + "=" + closest.labels[off.Key()]
	}
	of := closest.made.by
	hint := fmt.Sprintf("the nearest, %s %s, %s (%s)", of.Key.Kind, of.Key.Name, has, of.Origin)
	if least == 1 && isSlip(off, closest.labels) {
		j.add(validate.RuleMisnamed, s.at, about, message, hint)
		return
	}
	j.add(validate.RuleSelectsNothing, s.at, about, message, hint)
}

// maxCompared bounds the search for what comes nearest in one namespace.
const maxCompared = 1000

// isSlip says whether labels have almost the value that is demanded of them.
func isSlip(r labels.Requirement, l labels.Set) bool {
	value, ok := exact(r)
	return ok && near(value, l[r.Key()])
}

func textOf(s selector) string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = r.String()
	}
	return strings.Join(parts, ",")
}

// ports demands of what is selected the ports that are called by name. Of a
// Service and its pods in one Application it is told by the checks of sets.
func (j *judge) ports(s *choice, found []*labelled) {
	service := j.of.by.Key.GroupKind() == kindService
	var names []string
	for _, l := range found {
		if service && l.made.part == j.of.part {
			return
		}
		names = append(names, l.ports...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	instead := "there are "
	if len(names) == 0 {
		instead = "they name none"
	}
	for _, port := range s.ports {
		name := port.text()
		if slices.Contains(names, name) {
			continue
		}
		slip := slices.ContainsFunc(names, func(other string) bool { return near(name, other) })
		rule := validate.RuleMissingPort
		switch {
		case service:
			rule = validate.RuleServicePort
		case s.kind == kindPod && !slip: // sidecars that are injected have ports, too
			continue
		}
		of := found[0].made.by
		j.add(rule, port.path, place{kind: s.kind, name: port.path}, fmt.Sprintf("none of the %ss that it selects has a port of the name %q", s.kind.Kind, name), among(instead, name, names)+" ("+of.Key.Kind+" "+of.Key.Name+", "+of.Origin.String()+")")
	}
}
