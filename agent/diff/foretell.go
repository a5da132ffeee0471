package diff

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Foretell reckons what a server would make of live by an apply of desired, and by the
// end of what Argo CD or kubectl have stated of it before (see package apply): for who
// must not ask the server, which alone knows. Both must be of the same version.
//
// What Git states is compared with what is there, and counts as it stands. What is
// there, and not in Git, goes if it was stated before; else it is a default, or
// somebody else's, and stays. So what admission would do to the object is not foretold,
// nor that a default is another one by now.
func Foretell(live, desired map[string]any) map[string]any {
	all := claimsOf(live)
	var at spoken
	at.claims = slices.DeleteFunc(slices.Clone(all), func(c claim) bool {
		return c.owner.Manager != predecessor || c.owner.Operation != "Apply" || c.owner.Subresource != ""
	})
	if len(at.claims) == 0 {
		at.value, at.known = lastAppliedOf(live)
	}
	desired = maps.Clone(desired)
	delete(desired, "status")
	return foretold(at, all, live, desired)
}

// lastAppliedOf reads what a client-side apply has noted of itself.
func lastAppliedOf(live map[string]any) (stated any, ok bool) {
	meta, _ := live["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	text, _ := annotations[lastApplied].(string)
	if text == "" || utiljson.Unmarshal([]byte(text), &stated) != nil {
		return nil, false // nobody but its writer reads it, who would not do so either
	}
	return stated, true
}

// predecessor is the field manager of Argo CD.
const predecessor = "argocd-controller"

// A spoken is what was stated of a place before: by an entry of managedFields, or as
// the annotation of a client-side apply has it.
type spoken struct {
	claims []claim
	value  any
	known  bool // that value was stated
}

func (s spoken) stated() bool { return len(s.claims) > 0 || s.known }

// defaulted are members that a server fills in within what it takes as one whole.
var defaulted = []string{"apiVersion", "apiGroup", "divisor", "kind"}

// member is what was stated of a member.
func (s spoken) member(name string) (m spoken) {
	m.claims = under(s.claims, "f:"+name)
	if slices.Contains(defaulted, name) {
		m.claims = slices.DeleteFunc(m.claims, func(c claim) bool {
			return slices.ContainsFunc(s.claims, func(parent claim) bool { return parent.leaf && parent.owner == c.owner })
		})
	}
	if object, ok := s.value.(map[string]any); ok {
		m.value, m.known = object[name]
	}
	return m
}

// foretold shares with live what it does not change. The claims are those of all who
// own anything of it, and tell what kinds of lists there are.
func foretold(at spoken, claims []claim, live, desired map[string]any) map[string]any {
	out := maps.Clone(live)
	for name, want := range desired {
		have, isThere := live[name]
		switch {
		case isThere:
			out[name] = foretoldValue(at.member(name), under(claims, "f:"+name), name, have, want)
		case !isNothing(want):
			out[name] = want
		}
	}
	for name, have := range live {
		if _, wanted := desired[name]; wanted || !at.member(name).stated() {
			continue
		}
		if rest, stays := without(at.member(name), under(claims, "f:"+name), have); stays {
			out[name] = rest
		} else {
			delete(out, name)
		}
	}
	return out
}

// without takes out of a value what was stated of it, and says whether any is left.
func without(at spoken, claims []claim, have any) (rest any, stays bool) {
	if slices.ContainsFunc(at.claims, func(c claim) bool { return c.leaf }) {
		return nil, false
	}
	switch have := have.(type) {
	case map[string]any:
		out := foretold(at, claims, have, nil)
		return out, len(out) > 0
	case []any:
		out := foretoldList(at, claims, have, nil)
		return out, len(out) > 0
	}
	return nil, false
}

func foretoldValue(at spoken, claims []claim, name string, have, want any) any {
	switch want := want.(type) {
	case nil:
		return have // says nothing
	case map[string]any:
		if have, ok := have.(map[string]any); ok {
			if isAmount(name) {
				return amounts(foretold(at, claims, have, want), have)
			}
			return foretold(at, claims, have, want)
		}
	case []any:
		if have, ok := have.([]any); ok {
			return foretoldList(at, claims, have, want)
		}
	}
	if equal(have, want) || isAmount(name) && sameAmount(have, want) {
		return have
	}
	return want
}

// isNothing says that a server makes nothing of a value where there is none: what Go's
// types leave out.
func isNothing(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		for _, member := range value {
			if !isNothing(member) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return value == "" || value == false || equal(value, int64(0))
}

// isAmount says that a member holds an amount, or amounts by name, such as 1000m,
// which a server writes as 1.
func isAmount(name string) bool {
	return slices.Contains([]string{
		"limits", "requests", "capacity", "hard", "default", "defaultRequest", "min", "max", "overhead",
		"sizeLimit", "averageValue", "value", "divisor",
	}, name)
}

// amounts keeps those of live that are the same.
func amounts(out, live map[string]any) map[string]any {
	for name, value := range out {
		if sameAmount(live[name], value) {
			out[name] = live[name]
		}
	}
	return out
}

func sameAmount(a, b any) bool {
	x, err := amountOf(a)
	y, wrong := amountOf(b)
	return err == nil && wrong == nil && x.Cmp(y) == 0
}

func amountOf(value any) (resource.Quantity, error) {
	text := shownValue(value)
	return resource.ParseQuantity(strings.Trim(text, `"`))
}
