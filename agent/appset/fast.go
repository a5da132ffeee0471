package appset

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/valyala/fasttemplate"
)

// tagged is a text in which Argo CD looks for parameters: it needs both ends of a tag
// on one line.
var tagged = regexp.MustCompile(".*{{.*}}.*")

// fast replaces {{name}} by the parameter of that name. What is none stays as it is,
// and is noted.
func (e *engine) fast(text string, params Params, field string) (string, error) {
	if !tagged.MatchString(text) {
		return text, nil
	}
	t, err := fasttemplate.NewTemplate(text, "{{", "}}")
	if err != nil {
		return "", &Error{Generator: -1, Field: field, Err: failf(ErrTemplate, "%w", err)}
	}
	var out limitedText
	_, err = t.ExecuteFunc(&out, func(w io.Writer, tag string) (int, error) {
		name := strings.TrimSpace(tag)
		if value, ok := params[name].(string); ok && name != "" {
			return io.WriteString(w, value)
		}
		e.left(name, params, field)
		return fmt.Fprintf(w, "{{%s}}", tag)
	})
	if err != nil {
		return "", &Error{Generator: -1, Field: field, Err: kinded{err, ErrTemplate}}
	}
	return out.String(), nil
}

var (
	// free are fields whose text may hold templates of others: charts' values,
	// annotations for notifications, patches.
	free = regexp.MustCompile(`\.(helm|plugin|kustomize|annotations|info|jsonnet)\b`)
	// plain is what a parameter is called.
	plain = regexp.MustCompile(`^[A-Za-z_][\w.\[\]/-]*$`)
)

// left notes a tag that stays, unless it may be meant for others.
func (e *engine) left(name string, params Params, field string) {
	names := slices.Sorted(maps.Keys(params))
	hint := known(name, names)
	if free.MatchString(field) && (!plain.MatchString(name) || !strings.HasPrefix(hint, "did you mean")) {
		return
	}
	if !plain.MatchString(name) && strings.HasPrefix(name, ".") || strings.Contains(name, " ") {
		hint = "this is a Go template: set goTemplate: true"
	}
	e.note(ProblemUnknown, field, fmt.Sprintf("there is no parameter %q, and {{%s}} stays as it is", clip(name), clip(name)), hint)
}
