package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Rule names objects, and places in them where differences do not count. So
// does spec.ignoreDifferences of an Application, and argocd-cm for all of them.
type Rule = api.IgnoreDifference

// Limits on the rules of an Application, which its owners write, together with
// those of argocd-cm.
const (
	maxRules       = 400
	maxExpressions = 1000
)

// ErrRule says that a rule of ignoreDifferences cannot be read.
var ErrRule = errors.New("cannot read the ignore rule")

// An Ignore is a list of compiled rules. It remembers which of them were ever of
// use: see Unused. A nil Ignore ignores nothing. It is safe for concurrent use.
type Ignore struct {
	rules []rule
	text  string
}

// A rule selects objects and places in them.
type rule struct {
	Rule
	expressions []*expression
	system      bool // of argocd-cm
}

// NewIgnore compiles the rules of an Application and those for all. The error
// names the rule and the expression.
func NewIgnore(rules []Rule, system ...Rule) (*Ignore, error) {
	all := slices.Concat(rules, system)
	if len(all) == 0 {
		return nil, nil
	}
	if len(all) > maxRules {
		return nil, fmt.Errorf("%w: there are %d, and %d at most", ErrRule, len(all), maxRules)
	}
	text, err := json.Marshal([][]Rule{rules, system})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRule, err)
	}
	ignore := &Ignore{text: string(text)}
	expressions := 0
	for i, r := range all {
		compiled, err := compile(r)
		if err != nil {
			return nil, fmt.Errorf("%w %d: %w", ErrRule, i+1, err)
		}
		if expressions += len(compiled.expressions); expressions > maxExpressions {
			return nil, fmt.Errorf("%w %d: there are more than %d expressions by then", ErrRule, i+1, maxExpressions)
		}
		compiled.system = i >= len(rules)
		ignore.rules = append(ignore.rules, compiled)
	}
	return ignore, nil
}

func compile(r Rule) (rule, error) {
	out := rule{Rule: r}
	for _, pattern := range []string{r.Group, r.Kind, r.Name, r.Namespace} {
		if _, err := path.Match(pattern, ""); err != nil {
			return rule{}, fmt.Errorf("pattern %.80q: %w", pattern, err)
		}
	}
	for _, text := range r.JSONPointers {
		pointer, err := parsePointer(text)
		if err != nil {
			return rule{}, err
		}
		out.expressions = append(out.expressions, &expression{text: text, find: pointer.find})
	}
	for _, text := range r.JQPathExpressions {
		query, err := parseQuery(text)
		if err != nil {
			return rule{}, err
		}
		out.expressions = append(out.expressions, &expression{text: text, find: query.find})
	}
	for _, name := range r.ManagedFieldsManagers {
		out.expressions = append(out.expressions, &expression{text: name, find: managed(name).find, awaits: true})
	}
	return out, nil
}

// Equal says that two Ignores were made of the same rules.
func (i *Ignore) Equal(j *Ignore) bool {
	if i == nil || j == nil {
		return i == j
	}
	return i.text == j.text
}

// Concerns says that a rule is about an object.
func (i *Ignore) Concerns(key manifest.Key) bool {
	return i != nil && slices.ContainsFunc(i.rules, func(r rule) bool { return r.matches(key) })
}

// matches: group and kind are globs, name and namespace globs or empty
// (SEMANTICS.md 1.5).
func (r rule) matches(key manifest.Key) bool {
	return glob(r.Group, key.Group, false) && glob(r.Kind, key.Kind, false) &&
		glob(r.Name, key.Name, true) && glob(r.Namespace, key.Namespace, true)
}

func glob(pattern, text string, emptyIsAny bool) bool {
	if pattern == "" && emptyIsAny {
		return true
	}
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// Places finds what is ignored in an object, nil if nothing is. What the last
// state of it had ignored is ignored, too: what a manager owned then, it may have
// lost by a dry run.
func (i *Ignore) Places(key manifest.Key, object map[string]any, last *Places) *Places {
	if i == nil {
		return nil
	}
	all := &Places{}
	in := &searched{object: object}
	for _, r := range i.rules {
		if !r.matches(key) {
			continue
		}
		for _, e := range r.expressions {
			e.search(all, in)
		}
	}
	if all.empty() {
		return last
	}
	return all.join(last)
}
