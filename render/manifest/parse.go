package manifest

import (
	"errors"
	"fmt"
	"strings"
)

// Limits on what a text may be. They bound what a hostile or broken renderer
// can cost.
const (
	maxDocument = 8 << 20   // bytes of one document
	maxValues   = 1_000_000 // scalars, maps and lists of one document, roughly
	maxExpanded = 32 << 20  // bytes of one document, its aliases replaced
	maxDepth    = 1000      // of maps and lists in one another
	maxObjects  = 20_000    // documents, and objects, in one Parse
)

// ErrLimit is in every error about something too large.
var ErrLimit = errors.New("over the limit")

// Parse reads YAML or JSON: documents separated by "---" lines, lists expanded,
// empty documents skipped. Each object's origin gets the line where the content
// of its document starts. YAML is read by Kubernetes' own rules (DRIFT.md trap
// 9). Errors say file and line, and quote nothing but names.
func Parse(text []byte, origin Origin) (Set, error) { return parse(text, origin, decode) }

// ParseStrict is Parse for what a person wrote: a key that stands twice in one map
// is an error, where Kubernetes takes the last one in silence.
func ParseStrict(text []byte, origin Origin) (Set, error) { return parse(text, origin, decodeStrict) }

func parse(text []byte, origin Origin, decode func([]byte) (any, error)) (Set, error) {
	var set Set
	first := max(origin.Line, 1)
	for i, doc := range split(text) {
		at := origin
		at.Line = first + doc.line
		if i >= maxObjects || len(set) > maxObjects {
			return nil, fmt.Errorf("%s: %w: more than %d objects", at, ErrLimit, maxObjects)
		}
		body, err := decode(doc.text)
		if err != nil {
			return nil, locate(err, at)
		}
		if set, err = expand(set, body, at); err != nil {
			return nil, &LocatedError{at, err}
		}
	}
	set.Share()
	return set, nil
}

// locate names the line that a YAML error points at.
func locate(err error, at Origin) error {
	var syntax *syntaxError
	var repeat *repeatError
	switch {
	case errors.As(err, &syntax) && syntax.line > 0:
		at.Line += syntax.line - 1
	case errors.As(err, &repeat):
		at.Line += repeat.line - 1
	}
	return &LocatedError{Origin: at, Err: err}
}

// A LocatedError says where in the manifests Err is.
type LocatedError struct {
	Origin Origin
	Err    error
}

func (e *LocatedError) Error() string { return e.Origin.String() + ": " + e.Err.Error() }
func (e *LocatedError) Unwrap() error { return e.Err }

// expand appends the object that body is, or those of a list.
func expand(set Set, body any, at Origin) (Set, error) {
	if body == nil {
		return set, nil
	}
	object, ok := body.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: it is no map", ErrInvalid)
	}
	if len(object) == 0 {
		return set, nil
	}
	if items, kind, isList := listItems(object); isList {
		return expandItems(set, items, kind, object["apiVersion"], at)
	}
	o := &Object{Origin: at}
	if err := o.fill(object); err != nil {
		return nil, err
	}
	return append(set, o), nil
}

func expandItems(set Set, items []any, kind string, apiVersion any, at Origin) (Set, error) {
	for i, item := range items {
		if m, ok := item.(map[string]any); ok && kind != "" && m["kind"] == nil {
			m["kind"], m["apiVersion"] = kind, apiVersion
		}
		var err error
		if set, err = expand(set, item, at); err != nil {
			return nil, fmt.Errorf("items[%d]: %w", i, err)
		}
	}
	return set, nil
}

// listItems tells a list, such as kubectl prints, from an object: its kind ends
// in "List", it has items, and no name. A typed list ("ConfigMapList") gives
// its kind to items that do not state theirs.
func listItems(object map[string]any) (items []any, kind string, isList bool) {
	list, _ := object["kind"].(string)
	kind, isList = strings.CutSuffix(list, "List")
	field, stated := object["items"]
	items, isArray := field.([]any)
	meta, _ := object["metadata"].(map[string]any)
	if !isList || !stated || (field != nil && !isArray) || meta["name"] != nil {
		return nil, "", false
	}
	return items, kind, true
}
