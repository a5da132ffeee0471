package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/tidelock-io/tidelock/secrets"
)

// Templates executes the templates of a SealedSecret over its opened values and
// returns the text of each. Its errors quote no value.
//
// Templates come from whoever may write to the repository, and a few bytes of
// one can ask for all memory: the agent uses [Remote], which runs [Execute] in
// a plugin process.
type Templates interface {
	Execute(ctx context.Context, templates map[string]string, values map[string]secrets.Value) (map[string]secrets.Value, error)
}

// render adds what spec.template.data states to the opened data. An item that
// is null there is dropped; one that is sealed as well keeps its sealed value.
func render(ctx context.Context, stated map[string]*string, data map[string]secrets.Value, run Templates) (map[string]secrets.Value, error) {
	values, out := maps.Clone(data), maps.Clone(data)
	todo := map[string]string{}
	for key, text := range stated {
		_, isSealed := data[key]
		switch {
		case text == nil:
			delete(out, key)
		case !isSealed:
			// Templates may refer to the raw text of their siblings.
			values[key] = secrets.New([]byte(*text))
			out[key] = values[key]
			fallthrough
		default:
			todo[key] = *text
		}
	}
	maps.DeleteFunc(todo, func(_, text string) bool { return !strings.Contains(text, "{{") })
	if len(todo) == 0 {
		return out, nil
	}
	if run == nil {
		return nil, fmt.Errorf("%w: there is nothing to run templates with", ErrTemplate)
	}
	rendered, err := run.Execute(ctx, todo, values)
	if err != nil {
		return nil, err
	}
	for key, value := range rendered {
		if _, isSealed := data[key]; !isSealed {
			out[key] = value
		}
	}
	return out, nil
}

// maxRendered bounds what the templates of one SealedSecret may write.
const maxRendered = 4 << 20

// Execute runs templates over values as the controller does: Go templates with
// sprig, without what tells about the machine. It does so in this process,
// which a template can fill or keep busy: see [Templates].
func Execute(templates map[string]string, values map[string]secrets.Value) (map[string]secrets.Value, error) {
	texts := make(map[string]string, len(values))
	for key, value := range values {
		texts[key] = string(value.Reveal())
	}
	funcs := functions()
	out := make(map[string]secrets.Value, len(templates))
	left := maxRendered
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		t, err := template.New(key).Funcs(funcs).Parse(templates[key])
		if err != nil {
			return nil, fmt.Errorf("%w: item %q: %w", ErrTemplate, key, err)
		}
		var plain bytes.Buffer
		if err := t.Execute(&limited{&plain, left}, texts); err != nil {
			return nil, fmt.Errorf("%w: item %q: %s", ErrTemplate, key, place(err))
		}
		left -= plain.Len()
		out[key] = secrets.New(plain.Bytes())
	}
	return out, nil
}

// functions are sprig's without those that sealed-secrets takes out.
func functions() template.FuncMap {
	funcs := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(funcs, name)
	}
	return funcs
}

var errTooLong = errors.New("it writes too much")

// limited refuses what goes beyond left bytes.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left-l.to.Len() {
		return 0, errTooLong
	}
	return l.to.Write(p)
}

var position = regexp.MustCompile(`^template: [^:]*:(\d+):(\d+): `)

// place keeps of an execution error where it happened. The rest may quote
// values: {{fail .password}} would.
func place(err error) string {
	if errors.Is(err, errTooLong) {
		return fmt.Sprintf("it writes more than %d bytes", maxRendered)
	}
	if m := position.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Sprintf("it stops at line %s, column %s (the reason may quote values and is withheld)", m[1], m[2])
	}
	return "it stops (the reason may quote values and is withheld)"
}
