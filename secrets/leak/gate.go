package leak

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Gate looks for secrets in objects. It may be used from several goroutines.
type Gate struct {
	secrets []Secret
	table   *table
}

// NewGate returns a gate for all secrets but those that are allowed to be seen: by
// the name of their key, by its whole path, or by what holds them.
func NewGate(secrets []Secret, allowed []string) *Gate {
	g := &Gate{}
	n := 0
	for _, s := range secrets {
		if !slices.ContainsFunc(allowed, s.named) {
			g.secrets = append(g.secrets, s)
			n += len(s.needles)
		}
	}
	g.table = newTable(filterFor(n))
	for i, s := range g.secrets {
		for _, n := range s.needles {
			g.table.add(entry{needle: n, secret: i})
		}
	}
	return g
}

// Secrets are those that the gate looks for.
func (g *Gate) Secrets() []Secret { return g.secrets }

// A Leak is a value in an object where it must not be.
type Leak struct {
	Object manifest.Key
	Origin manifest.Origin
	// Field is its place in the object: "data.url", "spec.containers[0].name". A
	// part that is a secret itself is hidden.
	Field string
	// Form is how it is written: "in base64"; "" is as it is.
	Form string
	// Secret is what it is the value of.
	Secret Secret

	shown string // object and origin, without what is secret
}

// String is "ConfigMap shop/settings (web/settings.yaml:1): data.url has, in
// base64, the value of data.password of web/db.yaml".
func (l Leak) String() string {
	form := " "
	if l.Form != "" {
		form = ", " + l.Form + ", "
	}
	return fmt.Sprintf("%s: %s has%sthe value of %s", l.shown, l.Field, form, l.Secret)
}

// Leaks are all that a set has. It is an error.
type Leaks []Leak

// shownLeaks is how many of them a message lists.
const shownLeaks = 5

// Error lists the first leaks, one a line.
func (l Leaks) Error() string {
	lines := make([]string, 0, shownLeaks+1)
	for _, leak := range l[:min(len(l), shownLeaks)] {
		lines = append(lines, leak.String())
	}
	if more := len(l) - shownLeaks; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Keys are the names of the keys whose values were found, sorted.
func (l Leaks) Keys() []string {
	names := map[string]bool{}
	for _, leak := range l {
		names[leak.Secret.Name()] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Check returns the leaks of a set: each secret once in a field. The data of Secrets is where values belong; the rest of a Secret is looked at like
// anything else.
func (g *Gate) Check(set manifest.Set) Leaks {
	var all Leaks
	if len(g.secrets) == 0 {
		return nil
	}
	for _, o := range set {
		if hasBinary(o) || texts(o.JSON(), g.holds) {
			all = append(all, g.leaks(o)...)
		}
	}
	return all
}

// holds says whether a text has any secret.
func (g *Gate) holds(text []byte) bool {
	found := false
	g.table.find(text, func(int, entry) int {
		found = true
		return len(text)
	})
	return found
}

// leaks says where an object has secrets.
func (g *Gate) leaks(o *manifest.Object) (all []Leak) {
	fields(o, func(path string, text []byte) {
		seen := map[int]bool{}
		g.table.find(text, func(_ int, e entry) int {
			if !seen[e.secret] {
				seen[e.secret] = true
				all = append(all, Leak{
					Object: o.Key, Origin: o.Origin, Field: g.Redact(path), Form: string(e.form), Secret: g.secrets[e.secret],
					shown: g.Redact(fmt.Sprintf("%s (%s)", o.Key, o.Origin)),
				})
			}
			return 1
		})
	})
	return all
}

// Redact returns text without the values that the gate looks for.
func (g *Gate) Redact(text string) string {
	return g.table.redact(text, func(entry) bool { return true })
}
