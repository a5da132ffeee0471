package validate

import (
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// misspelt finds the API version and kind that an object was most likely meant to be
// of, where nothing is known of its own: the kind is known in a group of almost that
// name, or the group is one of a custom kind of almost that name. Others may define
// kinds, so what is only alike is left alone.
func (c *Checker) misspelt(o *manifest.Object) (field, hint string) {
	gk := o.Key.GroupKind()
	if _, builtin := c.version.Kind(o.GVK()); builtin || c.custom.has(gk) || c.ours(gk.Group) {
		return "", ""
	}
	for _, known := range c.version.Kinds() {
		if known.Kind == gk.Kind && alike(gk.Group, known.Group) {
			return "apiVersion", fmt.Sprintf("did you mean %s?", known.GroupVersion())
		}
	}
	for _, known := range c.custom.Kinds() {
		switch {
		case known.Kind == gk.Kind && alike(gk.Group, known.Group):
			return "apiVersion", fmt.Sprintf("did you mean %s?", known.GroupVersion())
		case known.Group == gk.Group && slipped(gk.Kind, known.Kind):
			return "kind", fmt.Sprintf("did you mean %s?", known.Kind)
		}
	}
	return "", ""
}

func (c *Checker) isMisspelt(o *manifest.Object) bool {
	_, hint := c.misspelt(o)
	return hint != ""
}

// meansAnother tells of an object that nothing is known of, and that most likely was
// meant to be of a kind that is.
func (c *Checker) meansAnother(r *report) {
	if field, hint := c.misspelt(r.object); hint != "" {
		r.add(RuleUnknownKind, field, fmt.Sprintf("nothing here defines a kind %s in %s", r.object.Key.Kind, r.object.APIVersion()), hint)
	}
}

// alike says whether the name of a group may be a slip for another: of one that is as
// long as those with a domain are.
func alike(group, known string) bool {
	return strings.Contains(known, ".") && group != known && api.Nearest(group, []string{known}) != ""
}

// slipped says whether a word is another but for one slip of the pen: a letter left
// out, added or replaced, two swapped, or the case of some.
func slipped(word, known string) bool {
	if word == known || len(known) < 5 {
		return false
	}
	if strings.EqualFold(word, known) {
		return true
	}
	a, b := word, known
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	switch len(a) {
	case 0:
		return len(b) == 1 && strings.TrimSuffix(word, "s") != strings.TrimSuffix(known, "s") // a plural may be another kind
	case 1:
		return len(b) == 1
	}
	return len(a) == 2 && a[0] == b[1] && a[1] == b[0]
}
