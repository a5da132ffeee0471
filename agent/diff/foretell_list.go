package diff

import (
	"maps"
	"slices"
	"strings"
)

// foretoldList compares items that have keys by these, and those of a set as such. All
// others are one whole: what stands in an item at the same place, and was not stated, is
// a default.
func foretoldList(at spoken, claims []claim, have, want []any) []any {
	keys, keyed := keysAt(claims)
	switch {
	case keyed:
		return foretoldItems(at, claims, keys, have, want)
	case isSet(claims):
		return union(at, have, want)
	case len(have) != len(want) || !areObjects(have):
		return want
	}
	before, _ := at.value.([]any)
	out := make([]any, len(want))
	for i := range want {
		var item spoken // not by claims: of what is one whole they have the defaults, too
		if len(before) == len(want) {
			item.value, item.known = before[i], true
		}
		out[i] = foretoldValue(item, nil, "", have[i], want[i])
	}
	return out
}

// foretoldItems are those of a list with keys. Others' items keep their places, unless
// Git has ours in another order.
func foretoldItems(at spoken, claims []claim, keys []string, have, want []any) (out []any) {
	inside, mine := underItems(claims, keys), underItems(at.claims, keys)
	before, _ := at.value.([]any)
	said := func(item any) (s spoken) {
		s.claims = mine[identity(item, keys)]
		s.value, s.known = itemFor(before, item, keys)
		return s
	}
	pairs := paired(have, want, keys)
	next, of := make([]any, len(want)), map[int]any{} // of: by index in have
	var order []int
	for i, j := range pairs {
		if next[i] = want[i]; j >= 0 {
			next[i] = foretoldValue(said(have[j]), inside[identity(have[j], keys)], "", have[j], want[i])
			order, of[j] = append(order, j), next[i]
		}
	}
	inPlace := slices.IsSorted(order)
	if !inPlace {
		out = next
	}
	for j, item := range have {
		switch ours, ok := of[j]; {
		case ok && inPlace:
			out = append(out, ours)
		case !ok && !said(item).stated():
			out = append(out, item)
		}
	}
	for i, j := range pairs {
		if j < 0 && inPlace {
			out = append(out, next[i])
		}
	}
	return out
}

// paired finds for each wanted item the live one that it is meant for, each once; -1 if
// there is none.
func paired(have, want []any, keys []string) []int {
	pairs, taken := make([]int, len(want)), map[int]bool{}
	for i, item := range want {
		pairs[i] = -1
		for j, live := range have {
			if !taken[j] && isMeantFor(item, live, keys) {
				pairs[i], taken[j] = j, true
				break
			}
		}
	}
	return pairs
}

// itemFor finds the item of a statement that is meant for a live one.
func itemFor(list []any, live any, keys []string) (any, bool) {
	i := slices.IndexFunc(list, func(item any) bool { return isMeantFor(item, live, keys) })
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

// isMeantFor says that an item has the keys of a live one, of which it states at least
// one: the others have their defaults there.
func isMeantFor(item, live any, keys []string) bool {
	a, _ := item.(map[string]any)
	b, _ := live.(map[string]any)
	states := false
	for _, key := range keys {
		value, ok := a[key]
		if ok && !equal(value, b[key]) {
			return false
		}
		states = states || ok
	}
	return states
}

// isSet says that a list is known to be one of values that are their own keys.
func isSet(claims []claim) bool {
	return slices.ContainsFunc(claims, func(c claim) bool {
		for name := range c.fields {
			if !c.leaf && strings.HasPrefix(name, "v:") {
				return true
			}
		}
		return false
	})
}

// union is a set after an apply.
func union(at spoken, have, want []any) (out []any) {
	stated, _ := at.value.([]any)
	for _, c := range at.claims {
		for name := range maps.Keys(c.fields) {
			if value, err := identityOf(name); strings.HasPrefix(name, "v:") && err == nil {
				stated = append(slices.Clip(stated), value)
			}
		}
	}
	in := func(list []any, value any) bool {
		return slices.ContainsFunc(list, func(item any) bool { return equal(item, value) })
	}
	for _, item := range have {
		if in(want, item) || !in(stated, item) {
			out = append(out, item)
		}
	}
	for _, item := range want {
		if !in(have, item) {
			out = append(out, item)
		}
	}
	return out
}
