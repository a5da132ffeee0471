package script

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// An Entry is a script for kinds. Group and Kind may be globs.
type Entry struct {
	Group, Kind string
	Script      *Script
}

// specific says how much of the entry is no wildcard: what is exact is before all
// that is not.
func (e Entry) specific() int {
	text := e.Group + "/" + e.Kind
	if !strings.ContainsAny(text, "*?[") {
		return len(text) + 1<<20
	}
	return len(text)
}

func (e Entry) matches(kind schema.GroupKind) bool {
	group, err := path.Match(e.Group, kind.Group)
	if err != nil || !group {
		return false
	}
	ok, err := path.Match(e.Kind, kind.Kind)
	return err == nil && ok
}

// A Set is the scripts of all kinds. A nil Set has none. It is safe for concurrent
// use.
type Set struct{ entries []Entry }

// NewSet returns a Set, in which an exact entry is before one with wildcards, and
// a longer one before a shorter one.
func NewSet(entries []Entry) *Set {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.specific(), a.specific()), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind))
	})
	return &Set{sorted}
}

// For returns the script for a kind, or nil.
func (s *Set) For(kind schema.GroupKind) *Script {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.entries, func(e Entry) bool { return e.matches(kind) })
	if i < 0 {
		return nil
	}
	return s.entries[i].Script
}

// Judge is a health.Custom: it judges objects of the kinds that have a script.
func (s *Set) Judge(object map[string]any) (health.Health, bool) {
	u := &unstructured.Unstructured{Object: object}
	script := s.For(u.GroupVersionKind().GroupKind())
	if script == nil {
		return health.Health{}, false
	}
	return script.Judge(object), true
}
