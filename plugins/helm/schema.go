package helm

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// maxProblems is how many mistakes in values are told at once.
const maxProblems = 10

// validate checks the values of a chart and its dependencies by their schemas.
// Helm does so, too, but names neither the file nor who set the value.
func (r *rendering) validate(c *chart.Chart, top common.Values) error {
	if r.options.SkipSchemaValidation {
		return nil
	}
	values, err := top.Table("Values")
	if err != nil {
		return err
	}
	problems, err := r.problems(nil, c, values, nil)
	if err != nil || len(problems) == 0 {
		return err
	}
	more := ""
	if n := len(problems) - maxProblems; n > 0 {
		problems, more = problems[:maxProblems], fmt.Sprintf(" (and %d more)", n)
	}
	return errors.New(strings.Join(problems, "; ") + more)
}

// problems appends the mistakes in the values of a chart. At is the path to
// these, the names of charts from the top.
func (r *rendering) problems(problems []string, c *chart.Chart, values map[string]any, at []string) ([]string, error) {
	if c.Schema != nil {
		own, err := r.violations(c, values, at)
		if err != nil {
			return nil, err
		}
		problems = append(problems, own...)
	}
	for _, sub := range c.Dependencies() {
		below := slices.Concat(at, []string{sub.Name()})
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		table, ok := raw.(map[string]any)
		if !ok {
			problems = append(problems, fmt.Sprintf("%s: the values of the chart %s must be a map", r.setBy(below), sub.Name()))
			continue
		}
		var err error
		if problems, err = r.problems(problems, sub, table, below); err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// violations are the mistakes that one schema finds.
func (r *rendering) violations(c *chart.Chart, values map[string]any, at []string) ([]string, error) {
	file := path.Join(r.charts.dir(c), schemaFile)
	schema, err := compile(c.Schema)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var invalid *jsonschema.ValidationError
	switch err := schema.Validate(values); {
	case err == nil:
		return nil, nil
	case !errors.As(err, &invalid):
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var problems []string
	for _, leaf := range causes(invalid) {
		for _, v := range violationsOf(leaf) {
			full := slices.Concat(at, v.path)
			problems = append(problems, fmt.Sprintf("%s: %s: %s, says %s", r.setBy(full), dotted(full), v.what, file))
		}
	}
	slices.Sort(problems) // the validator has no order
	return slices.Compact(problems), nil
}

// compile reads a schema, which may refer to nothing but itself.
func compile(text []byte) (schema *jsonschema.Schema, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the schema cannot be read")
		}
	}()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("malformed JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	const self = "file:///" + schemaFile
	if err := c.AddResource(self, document); err != nil {
		return nil, err
	}
	schema, err = c.Compile(self)
	var refers *jsonschema.LoadURLError
	if errors.As(err, &refers) {
		return nil, fmt.Errorf("it refers to %s: a schema must hold all that it refers to; copy that into $defs, or set helm.skipSchemaValidation",
			strings.TrimPrefix(refers.URL, "file:///"))
	}
	return schema, err
}

// noLoader loads nothing. A urn stands for anything, as it does for helm.
type noLoader struct{}

var errNoLoading = errors.New("nothing is loaded")

func (noLoader) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, errNoLoading
}

var english = message.NewPrinter(language.English)

// causes are the mistakes at the bottom of an error, each once.
func causes(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, causes(cause)...)
	}
	return all
}

// A violation is what is wrong with the value at a path.
type violation struct {
	path []string
	what string
}

// violationsOf puts a mistake where a person looks for it: at the key that is
// not known, rather than at the map that holds it.
func violationsOf(e *jsonschema.ValidationError) []violation {
	if unknown, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		var all []violation
		for _, name := range unknown.Properties {
			all = append(all, violation{slices.Concat(e.InstanceLocation, []string{name}), "is no known key"})
		}
		return all
	}
	return []violation{{e.InstanceLocation, e.ErrorKind.LocalizedString(english)}}
}

// dotted writes a path as one does in values.
func dotted(path []string) string {
	var b strings.Builder
	for _, part := range path {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteString(".")
		}
		b.WriteString(part)
	}
	if b.Len() == 0 {
		return "the values"
	}
	return b.String()
}
