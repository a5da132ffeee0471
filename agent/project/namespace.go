package project

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// maxNamespace is the length of the longest namespace.
	maxNamespace = 63
	// maxRegexpTime bounds a match: a backtracking expression may take forever.
	maxRegexpTime = 100 * time.Millisecond
)

// An appNamespace is one entry of spec.sourceNamespaces: a regular expression between
// slashes, or a glob. There are no denials. The expressions are those of regexp2, as in
// Argo CD: its documentation excludes namespaces by look-ahead, which package regexp lacks.
type appNamespace struct {
	regexp *regexp2.Regexp
	glob   *glob.Pattern
}

func (c *compiler) appNamespaces(entries []string, p *field.Path) []appNamespace {
	list := make([]appNamespace, len(entries))
	for i, entry := range entries {
		var err error
		list[i], err = newAppNamespace(entry)
		c.check(err, p.Index(i))
	}
	return list
}

func newAppNamespace(text string) (n appNamespace, err error) {
	expression, ok := betweenSlashes(text)
	switch {
	case !ok:
		n.glob, err = newGlob(text)
		return n, err
	case len(expression) > maxPattern:
		return n, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	if n.regexp, err = regexp2.Compile(expression, 0); err != nil {
		return n, err
	}
	n.regexp.MatchTimeout = maxRegexpTime
	return n, nil
}

func betweenSlashes(text string) (string, bool) {
	if len(text) < 2 || text[0] != '/' || text[len(text)-1] != '/' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// anchored reports whether an expression has to match a whole name.
func anchored(expression string) bool {
	return strings.HasPrefix(expression, "^") && strings.HasSuffix(expression, "$")
}

// matches reports whether the entry permits a namespace. An expression that takes too
// long permits nothing.
func (n appNamespace) matches(namespace string) bool {
	if len(namespace) > maxNamespace {
		return false
	}
	if n.regexp == nil {
		return n.glob.Match(namespace)
	}
	ok, err := n.regexp.MatchString(namespace)
	return ok && err == nil
}

// Namespaces are patterns of the namespaces in which Applications may live beside
// the agent's own. The zero value is none.
type Namespaces struct{ list []appNamespace }

// NewNamespaces reads patterns as they stand in spec.sourceNamespaces: globs, and
// regular expressions between slashes.
func NewNamespaces(patterns []string) (Namespaces, error) {
	list := make([]appNamespace, len(patterns))
	for i, text := range patterns {
		var err error
		if list[i], err = newAppNamespace(text); err != nil {
			return Namespaces{}, fmt.Errorf("pattern %s of namespaces cannot be read: %w", shown(text), err)
		}
	}
	return Namespaces{list}, nil
}

// None says that there is no pattern.
func (n Namespaces) None() bool { return len(n.list) == 0 }

// Has says that one of the patterns matches a namespace.
func (n Namespaces) Has(namespace string) bool {
	return slices.ContainsFunc(n.list, func(p appNamespace) bool { return p.matches(namespace) })
}

// Namespace judges where an Application lives, against spec.sourceNamespaces. The agent's
// own namespace is always permitted; so is an empty one, which stands for it.
func (r *Rules) Namespace(namespace, agentNamespace string) Verdict {
	if namespace == "" || namespace == agentNamespace {
		return allowed
	}
	if (Namespaces{r.appNamespaces}).Has(namespace) {
		return allowed
	}
	return r.refusef("spec.sourceNamespaces permits no Applications in namespace %s: add it, or move the Application to namespace %s",
		shown(namespace), shown(agentNamespace))
}
