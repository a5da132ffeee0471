package references

import (
	"regexp"
	"strings"
)

// generated is the name of what a generator of Kustomize makes: the end is a hash
// of its content.
var generated = regexp.MustCompile(`^(.+)-[2456789bcdfghkmt]{10}$`)

// base is a name without its generator's hash.
func base(name string) (without string, hashed bool) {
	if m := generated.FindStringSubmatch(name); m != nil {
		return m[1], true
	}
	return name, false
}

// Words that are shorter are often another word with one letter changed (api, app),
// or added (log, logs).
const (
	longEnoughToReplace = 5
	longEnoughToInsert  = 4
)

// near says whether two names are the same but for one slip of the pen: a letter
// replaced, left out or doubled, two swapped, a dash forgotten. Numbers, and words
// that are short, tell things apart on purpose.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if a == b || len(b)-len(a) > 1 {
		return false
	}
	start := 0
	for start < len(a) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	mine, theirs := a[start:len(a)-end], b[start:len(b)-end]
	word := min(len(wordAt(a, start)), len(wordAt(b, start)))
	switch {
	case mine == "" && (theirs == "-" || theirs == "."):
		return len(a) >= longEnoughToReplace
	case strings.ContainsAny(mine+theirs, "0123456789-."):
		return false
	case mine == "" || len(mine) == 2 && mine[0] == theirs[1] && mine[1] == theirs[0]:
		return word >= longEnoughToInsert
	}
	return len(mine) == 1 && word >= longEnoughToReplace
}

// wordAt returns the part of a name between dashes that a place is in.
func wordAt(name string, at int) string {
	from := strings.LastIndexAny(name[:at], "-.") + 1
	to := strings.IndexAny(name[at:], "-.")
	if to < 0 {
		return name[from:]
	}
	return name[from : at+to]
}
