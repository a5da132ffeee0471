package git

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// A listing is what a server says that it has, at one moment.
type listing struct {
	at     time.Time
	head   plumbing.Hash            // zero if the repository has no HEAD
	refs   map[string]plumbing.Hash // by full name
	peeled map[string]plumbing.Hash // the commits that annotated tags lead to
	caps   *capability.List

	redirected bool // the server answered from another address of its own
}

func newListing(refs *packp.AdvRefs, at time.Time) *listing {
	l := &listing{at: at, refs: refs.References, peeled: refs.Peeled, caps: refs.Capabilities}
	if refs.Head != nil {
		l.head = *refs.Head
	}
	return l
}

// commit returns what a ref leads to, through an annotated tag.
func (l *listing) commit(name string) (plumbing.Hash, bool) {
	if h, ok := l.peeled[name]; ok {
		return h, true
	}
	h, ok := l.refs[name]
	return h, ok
}

// names are the short names of branches and tags, branches first.
func (l *listing) names() []string {
	var names []string
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		for _, name := range slices.Sorted(maps.Keys(l.refs)) {
			if short, ok := strings.CutPrefix(name, prefix); ok {
				names = append(names, short)
			}
		}
	}
	return names
}

// similar returns up to five names that resemble one that does not exist.
func (l *listing) similar(to string) []string {
	type scored struct {
		name  string
		score int
	}
	var found []scored
	for _, name := range l.names() {
		score := distance(strings.ToLower(to), strings.ToLower(name))
		if score <= max(2, len(to)/3) || len(to) > 2 && strings.Contains(name, to) {
			found = append(found, scored{name, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	var names []string
	for _, f := range found[:min(5, len(found))] {
		names = append(names, f.name)
	}
	return names
}

// distance is Levenshtein's: how many letters to add, drop or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
