package appset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// An engine fills parameters into texts. It is for one goroutine.
type engine struct {
	goTemplate bool
	base       *template.Template
	parsed     map[string]*parsedTemplate
	budget     *budget
	notes      []note
	stricter   *engine // for which a missing parameter is an error
}

// A parsedTemplate is one that is run for many sets of parameters.
type parsedTemplate struct {
	*template.Template
	// changes says that it calls what changes its arguments, such as set.
	changes bool
}

// A note is about a template that works, but hardly as it was meant.
type note struct {
	kind                 ProblemKind
	field, message, hint string
}

// missingKeys are the options that text/template has.
var missingKeys = []string{"missingkey=default", "missingkey=invalid", "missingkey=zero", "missingkey=error"}

func newEngine(spec *api.ApplicationSetSpec, now time.Time) (*engine, error) {
	e := &engine{goTemplate: spec.GoTemplate, parsed: map[string]*parsedTemplate{}, budget: &budget{}}
	e.base = template.New("").Funcs(functions(e.budget, now))
	for i, option := range spec.GoTemplateOptions {
		if !slices.Contains(missingKeys, option) {
			return nil, &Error{Field: fmt.Sprintf("spec.goTemplateOptions[%d]", i), Err: failf(ErrTemplate, "%q is no option of Go templates; there are %s", clip(option), strings.Join(missingKeys, ", "))}
		}
		if spec.GoTemplate {
			e.base.Option(option)
		}
	}
	return e, nil
}

// strict is the same engine for which a missing parameter is an error, [errMissing].
func (e *engine) strict() *engine {
	if !e.goTemplate {
		return e
	}
	if e.stricter == nil {
		base, _ := e.base.Clone() // it has never run
		e.stricter = &engine{goTemplate: true, base: base.Option("missingkey=error"), parsed: map[string]*parsedTemplate{}, budget: e.budget}
	}
	return e.stricter
}

// noted returns the notes since the last call.
func (e *engine) noted() []note {
	notes := e.notes
	e.notes = nil
	return notes
}

func (e *engine) note(kind ProblemKind, field, message, hint string) {
	e.notes = append(e.notes, note{kind, field, message, hint})
}

// text fills parameters into a text, which is the one of a field.
func (e *engine) text(ctx context.Context, text string, params Params, field string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if !e.goTemplate {
		return e.fast(text, params, field)
	}
	out, err := e.execute(ctx, text, params)
	if err != nil {
		return "", templateError(err, params, field)
	}
	if strings.Contains(out, noValue) && !strings.Contains(text, noValue) {
		e.note(ProblemUnknown, field, "a parameter that it names is not there, and "+noValue+" stands in the result", "goTemplateOptions: [missingkey=error] makes that an error")
	}
	return out, nil
}

// noValue is what text/template prints for what is not there.
const noValue = "<no value>"

// execute runs a Go template. What it writes, how often it loops and how long it
// takes is bounded.
func (e *engine) execute(ctx context.Context, text string, params Params) (string, error) {
	t, err := e.parse(text)
	if err != nil {
		return "", err
	}
	if t.changes {
		params = clone(params).(Params)
	}
	e.budget.begin(ctx)
	out := &limitedText{}
	if err := t.Execute(out, params); err != nil {
		return "", err
	}
	return out.String(), nil
}

// changing are the functions that change their first argument.
var changing = []string{"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"}

// maxTemplate bounds the text of one template.
const maxTemplate = 256 << 10

func (e *engine) parse(text string) (*parsedTemplate, error) {
	if len(text) > maxTemplate {
		return nil, failf(ErrLimit, "it has %d bytes, more than %d", len(text), maxTemplate)
	}
	if t := e.parsed[text]; t != nil {
		return t, nil
	}
	base, err := e.base.Clone()
	if err != nil {
		return nil, err
	}
	t, err := base.Parse(text)
	if err != nil {
		return nil, err
	}
	parsed := &parsedTemplate{Template: t}
	for _, one := range t.Templates() {
		if one.Tree != nil && one.Root != nil {
			count(one.Root)
			one.Root.Nodes = slices.Insert(one.Root.Nodes, 0, parse.Node(call("_enter")))
		}
	}
	parsed.changes = slices.ContainsFunc(changing, func(name string) bool { return regexp.MustCompile(`\b` + name + `\b`).MatchString(text) })
	e.parsed[text] = parsed
	return parsed, nil
}

// count puts a call that counts at the beginning of each loop.
func count(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			count(n.List)
			count(n.ElseList)
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(call("_round")))
		case *parse.IfNode:
			count(n.List)
			count(n.ElseList)
		case *parse.WithNode:
			count(n.List)
			count(n.ElseList)
		}
	}
}

// call is {{name}}.
func call(name string) *parse.ActionNode {
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(name)}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{command}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pipe: pipe}
}

// maxText bounds what one template writes, and what a function in it returns.
const maxText = 1 << 20

// limitedText is written to, up to a limit.
type limitedText struct{ strings.Builder }

func (l *limitedText) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxText {
		return 0, failf(ErrLimit, "it writes more than %d bytes", maxText)
	}
	return l.Builder.Write(p)
}

var _ io.Writer = (*limitedText)(nil)

// placed is what text/template says of a failure: where, in what, why.
var placed = regexp.MustCompile(`(?s)^template: [^:]*:(\d+)(?::\d+)?: (?:executing "[^"]*" at (<.*?>): )?(.*)$`)

// templateError says where in the text it is, and which parameters there are.
func templateError(err error, params Params, field string) error {
	e := &Error{Generator: -1, Field: field, Err: kinded{err, ErrTemplate}}
	m := placed.FindStringSubmatch(err.Error())
	if m == nil {
		return e
	}
	e.Line, _ = strconv.Atoi(m[1])
	text := m[3]
	if m[2] != "" {
		text = m[2] + ": " + text
	}
	e.Err = kinded{worded{clipText(text), err}, ErrTemplate}
	if name, ok := missingName(text); ok {
		e.Err = kinded{e.Err, errMissing}
		e.Hint = known(name, slices.Sorted(maps.Keys(params)))
	}
	return e
}

// worded is an error in other words.
type worded struct {
	text string
	error
}

func (w worded) Error() string { return w.text }
func (w worded) Unwrap() error { return w.error }

// errMissing is in errors about a parameter that is not there.
var errMissing = errors.New("a parameter is missing")

// clipText cuts what a template may have made long.
func clipText(text string) string {
	const most = 2000
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

var missingKey = regexp.MustCompile(`map has no entry for key "([^"]*)"`)

func missingName(text string) (string, bool) {
	if m := missingKey.FindStringSubmatch(text); m != nil {
		return m[1], true
	}
	return "", strings.Contains(text, "can't evaluate field")
}

// known says which parameters there are, and which one was meant.
func known(name string, names []string) string {
	if near := api.Nearest(name, names); near != "" && name != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(names) == 0 {
		return "there are no parameters"
	}
	return "there are " + listed(names)
}

// errTooManyRounds ends a template that loops too often.
var errTooManyRounds = errors.New("it loops too often")
