package diff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Limits on ignore rules, which are written by the owners of Applications.
const (
	maxRules      = 200
	maxExpression = 8 << 10
	maxPlaces     = 10_000
	// jqTime bounds one expression on one object, as in Argo CD (SEMANTICS.md 1.5).
	jqTime = time.Second
)

// ErrRule says that a rule of ignoreDifferences cannot be read.
var ErrRule = errors.New("cannot read the ignore rule")

// An Ignore is a list of compiled rules of ignoreDifferences. A nil Ignore
// ignores nothing. It is safe for concurrent use.
type Ignore struct {
	rules []rule
	text  string
}

// A rule selects objects and places in them.
type rule struct {
	api.IgnoreDifference
	pointers [][]string
	queries  []*gojq.Code
}

// NewIgnore compiles rules. The error names the rule and the expression.
func NewIgnore(rules []api.IgnoreDifference) (*Ignore, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	if len(rules) > maxRules {
		return nil, fmt.Errorf("%w: there are %d, and %d at most", ErrRule, len(rules), maxRules)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRule, err)
	}
	ignore := &Ignore{text: string(text)}
	for i, r := range rules {
		compiled, err := compile(r)
		if err != nil {
			return nil, fmt.Errorf("%w %d: %w", ErrRule, i+1, err)
		}
		ignore.rules = append(ignore.rules, compiled)
	}
	return ignore, nil
}

func compile(r api.IgnoreDifference) (rule, error) {
	out := rule{IgnoreDifference: r}
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
		out.pointers = append(out.pointers, pointer)
	}
	for _, text := range r.JQPathExpressions {
		query, err := parseQuery(text)
		if err != nil {
			return rule{}, err
		}
		out.queries = append(out.queries, query)
	}
	return out, nil
}

// parsePointer reads an RFC 6901 JSON pointer.
func parsePointer(text string) ([]string, error) {
	if !strings.HasPrefix(text, "/") || len(text) > maxExpression {
		return nil, fmt.Errorf("JSON pointer %.80q must begin with a slash, as in /spec/replicas", text)
	}
	steps := strings.Split(text[1:], "/")
	for i, step := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	}
	return steps, nil
}

func parseQuery(text string) (*gojq.Code, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("jq expression of %d bytes, and %d at most", len(text), maxExpression)
	}
	query, err := gojq.Parse("path(" + text + ")")
	if err != nil {
		return nil, fmt.Errorf("jq expression %.80q: %w", text, err)
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return nil, fmt.Errorf("jq expression %.80q: %w", text, err)
	}
	return code, nil
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
	var plain any
	for _, r := range i.rules {
		if !r.matches(key) {
			continue
		}
		if plain == nil && len(r.queries) > 0 {
			plain = forJQ(object)
		}
		r.find(all, object, plain)
	}
	if all.empty() {
		return last
	}
	return all.join(last)
}

// find adds the places of one rule.
func (r rule) find(all *Places, object map[string]any, plain any) {
	for _, pointer := range r.pointers {
		if at, ok := follow(object, pointer); ok {
			all.add(at)
		}
	}
	for _, query := range r.queries {
		for _, at := range run(query, plain) {
			all.add(at)
		}
	}
	for _, fields := range managedBy(object, r.ManagedFieldsManagers) {
		all.owned(fields, object, nil)
	}
}

// follow turns a pointer into a path, if it leads anywhere.
func follow(object any, pointer []string) (at []any, ok bool) {
	for _, step := range pointer {
		switch v := object.(type) {
		case map[string]any:
			child, exists := v[step]
			if !exists {
				return nil, false
			}
			object, at = child, append(at, step)
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			object, at = v[i], append(at, i)
		default:
			return nil, false
		}
	}
	return at, true
}

// run returns the paths that a query gives. What it cannot make of the object,
// or not in time, it does not give.
func run(query *gojq.Code, object any) (paths [][]any) {
	ctx, cancel := context.WithTimeout(context.Background(), jqTime)
	defer cancel()
	results := query.RunWithContext(ctx, object)
	for range maxPlaces {
		result, ok := results.Next()
		if !ok {
			return paths
		}
		at, ok := result.([]any)
		if !ok || !exists(object, at) {
			if _, failed := result.(error); failed {
				return paths
			}
			continue
		}
		paths = append(paths, at)
	}
	return paths
}

// exists says that a path leads to something: jq gives also those that do not.
func exists(object any, at []any) bool {
	for _, step := range at {
		switch step := step.(type) {
		case string:
			m, _ := object.(map[string]any)
			child, ok := m[step]
			if !ok {
				return false
			}
			object = child
		case int:
			list, _ := object.([]any)
			if step < 0 || step >= len(list) {
				return false
			}
			object = list[step]
		default:
			return false
		}
	}
	return len(at) > 0
}

// forJQ copies a value in the types that jq knows.
func forJQ(value any) any {
	switch v := value.(type) {
	case int64:
		return int(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, child := range v {
			out[name] = forJQ(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = forJQ(item)
		}
		return out
	}
	return value
}

// managedBy returns the fields of managers.
func managedBy(object map[string]any, managers []string) (all []map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		manager, _ := entry["manager"].(string)
		if fields, _ := entry["fieldsV1"].(map[string]any); fields != nil && slices.Contains(managers, manager) {
			all = append(all, fields)
		}
	}
	return all
}
