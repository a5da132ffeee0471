package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-jsonnet"
)

const (
	// maxCalls is how deep functions may call one another: Jsonnet's own limit.
	maxCalls = 500
	// maxNested is how deep arrays of manifests may lie in one another.
	maxNested = 100
)

// A program evaluates the Jsonnet files of one call. They share what they import.
type program struct {
	vm       *jsonnet.VM
	importer *importer
}

func newProgram(r *reading) *program {
	o := r.options.Jsonnet
	p := &program{vm: jsonnet.MakeVM(), importer: newImporter(r.req.Tree, append([]string{r.root}, o.Libs...))}
	p.vm.MaxStack = maxCalls
	p.vm.Importer(p.importer)
	p.vm.SetTraceOut(discard{})
	for _, v := range o.ExtVars {
		set(v, r.req.Env, p.vm.ExtVar, p.vm.ExtCode)
	}
	for _, v := range o.TLAs {
		set(v, r.req.Env, p.vm.TLAVar, p.vm.TLACode)
	}
	return p
}

func set(v variable, env map[string]string, text, code func(name, value string)) {
	if v.Code {
		text = code
	}
	text(v.Name, v.expand(env))
}

// discard is where std.trace prints: what it prints may be a secret.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// evaluate adds what a Jsonnet file evaluates to: an object, or an array of
// objects and arrays. Nulls in it are left out.
func (r *reading) evaluate(name string, data []byte) error {
	if r.program == nil {
		r.program = newProgram(r)
	}
	text, err := r.program.run(name, data)
	if err != nil {
		return err
	}
	return r.values(name, json.RawMessage(text), "", 0)
}

func (p *program) run(name string, data []byte) (string, error) {
	node, err := jsonnet.SnippetToAST(name, string(data))
	if err != nil {
		return "", p.explain(name, err)
	}
	text, err := p.vm.Evaluate(node)
	if err != nil {
		return "", p.explain(name, err)
	}
	return text, nil
}

// values adds the manifests of one value. at is where it lies in arrays: "[1][0]".
func (r *reading) values(name string, value json.RawMessage, at string, depth int) error {
	value = bytes.TrimSpace(value)
	switch {
	case bytes.Equal(value, []byte("null")):
		return nil
	case len(value) > 0 && value[0] == '{':
		return r.object(name, value, at)
	case len(value) == 0 || value[0] != '[':
		return fmt.Errorf("%s: %s is %s, not a manifest: return an object, or an array of objects", name, item(at), typeOf(value))
	case depth == maxNested:
		return fmt.Errorf("%s: its arrays lie more than %d deep in one another: return one array, see std.flattenArrays", name, maxNested)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil {
		return fmt.Errorf("%s: %s is no JSON", name, item(at))
	}
	for i, v := range items {
		if err := r.values(name, v, fmt.Sprintf("%s[%d]", at, i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// object adds a manifest, on one line, so that no line of it is taken for one of
// the file.
func (r *reading) object(name string, value json.RawMessage, at string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return fmt.Errorf("%s: %s is no JSON", name, item(at))
	}
	if kind := fields["kind"]; len(kind) == 0 || kind[0] != '"' {
		return fmt.Errorf("%s: %s is an object without kind%s: return a manifest, or an array of manifests (std.objectValues makes one of an object)",
			name, item(at), listed(fields))
	}
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return fmt.Errorf("%s: %s is no JSON", name, item(at))
	}
	r.add(name, line.Bytes())
	return nil
}

// item names a value in messages.
func item(at string) string {
	if at == "" {
		return "it"
	}
	return "item " + at
}

// listed names a few fields.
func listed(fields map[string]json.RawMessage) string {
	const most = 5
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, fmt.Sprintf("%.40q", name))
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return " (it has " + strings.Join(names, ", ") + ")"
}

func typeOf(value json.RawMessage) string {
	switch {
	case len(value) == 0:
		return "empty"
	case value[0] == '"':
		return "a text"
	case value[0] == 't', value[0] == 'f':
		return "a boolean"
	}
	return "a number"
}
