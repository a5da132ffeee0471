package manifest

import (
	"maps"
	"slices"
)

// mostShared bounds with how many maps others are compared.
const mostShared = 8

// Share has objects that carry the same labels, or annotations, hold one map of them:
// most of a set do, and a map takes as much memory as the rest of a small object. Objects
// but the first are changed, so that nobody else may read them yet.
func (s Set) Share() {
	var labels, annotations shared
	for _, o := range s {
		labels.one(&o.Labels)
		annotations.one(&o.Annotations)
	}
}

// shared are maps that differ.
type shared []map[string]string

// one makes a map the one that is known of those that are equal.
func (s *shared) one(m *map[string]string) {
	if len(*m) == 0 {
		return
	}
	i := slices.IndexFunc(*s, func(known map[string]string) bool { return maps.Equal(known, *m) })
	switch {
	case i >= 0:
		*m = (*s)[i]
	case len(*s) < mostShared:
		*s = append(*s, *m)
	}
}
