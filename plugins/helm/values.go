package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
)

// inputs are the values that are put over those of the chart, one layer over
// the other.
type inputs struct {
	r      *rendering
	layers []layer
}

// A layer is one source of values, with what it says.
type layer struct {
	name   string // for messages: a file, or a field of the Application
	text   []byte // of a file
	values map[string]any
}

func newInputs(r *rendering) *inputs { return &inputs{r: r} }

// merge reads all layers, the weakest first.
func (in *inputs) merge() (map[string]any, error) {
	values := map[string]any{}
	files, err := in.files()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := in.r.req.Tree.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if values, err = in.file(values, name, text); err != nil {
			return nil, err
		}
	}
	if values, err = in.inline(values); err != nil {
		return nil, err
	}
	return values, in.set(values)
}

// file puts the values of a text over others.
func (in *inputs) file(values map[string]any, name string, text []byte) (map[string]any, error) {
	own, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return nil, explainYAML(name, text, err)
	}
	in.layers = append(in.layers, layer{name, text, own})
	return loader.MergeMaps(values, own), nil
}

// inline adds the values that the Application states itself. If it states them
// as an object, the text counts for nothing.
func (in *inputs) inline(values map[string]any) (map[string]any, error) {
	o := in.r.options
	if len(o.ValuesObject) > 0 && string(o.ValuesObject) != "null" {
		values, err := in.file(values, "helm.valuesObject", o.ValuesObject)
		if err == nil {
			in.layers[len(in.layers)-1].text = nil // its lines are nobody's
		}
		return values, err
	}
	if o.Values == "" {
		return values, nil
	}
	return in.file(values, "helm.values", []byte(o.Values))
}

// set puts parameters over values.
func (in *inputs) set(values map[string]any) error {
	for _, force := range []bool{false, true} {
		for i, p := range in.r.options.Parameters {
			if p.ForceString != force {
				continue
			}
			parse := strvals.ParseInto
			if force {
				parse = strvals.ParseIntoString
			}
			text := p.Name + "=" + escape(in.r.substitute(p.Value))
			field := fmt.Sprintf("helm.parameters[%d]", i)
			if err := in.put(values, field, p.Name, text, parse); err != nil {
				return err
			}
		}
	}
	for i, p := range in.r.options.FileParameters {
		field := fmt.Sprintf("helm.fileParameters[%d]", i)
		name, err := in.path(in.r.substitute(p.Path))
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		content, err := in.r.req.Tree.ReadFile(name)
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		parse := func(text string, into map[string]any) error {
			return strvals.ParseIntoFile(text, into, func([]rune) (any, error) { return string(content), nil })
		}
		if err := in.put(values, field, p.Name, p.Name+"=file", parse); err != nil {
			return err
		}
	}
	return nil
}

// put applies one parameter, and notes what it says by itself.
func (in *inputs) put(values map[string]any, field, name, text string, parse func(string, map[string]any) error) error {
	if name == "" {
		return fmt.Errorf("%s: it has no name", field)
	}
	if err := parse(text, values); err != nil {
		return fmt.Errorf("%s: %q cannot be set: %s; a dot leads into a map, [0] into a list, and \\. is a dot in a key", field, name, setProblem(err))
	}
	own := map[string]any{}
	if parse(text, own) == nil {
		in.layers = append(in.layers, layer{name: field + " (" + name + ")", values: own})
	}
	return nil
}

// conversion is how helm's parser says that a part of a name does not fit.
var conversion = regexp.MustCompile(`.*interface conversion: interface \{\} is (.+), not (.+)$`)

// kinds are Go's names of what values may be.
var kinds = map[string]string{
	"map[string]interface {}": "a map", "[]interface {}": "a list", "string": "a text", "float64": "a number", "int64": "a number", "bool": "true or false", "nil": "null",
}

// setProblem says why a parameter could not be set.
func setProblem(err error) string {
	m := conversion.FindStringSubmatch(err.Error())
	if m == nil || kinds[m[1]] == "" || kinds[m[2]] == "" {
		return err.Error()
	}
	return fmt.Sprintf("a part of it is %s in the values, and not %s", kinds[m[1]], kinds[m[2]])
}

// bareComma is a comma that nothing escapes.
var bareComma = regexp.MustCompile(`(^|[^\\]),`)

// escape keeps helm from taking the commas of a value for the end of it, unless
// the value is a list in braces.
func escape(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	for bareComma.MatchString(value) {
		value = bareComma.ReplaceAllString(value, `$1\,`)
	}
	return value
}

// files returns the value files in the order in which they count, by their names
// in the tree.
func (in *inputs) files() ([]string, error) {
	var entries []entry
	for i, raw := range in.r.options.ValueFiles {
		e, err := in.entry(raw)
		if err != nil {
			return nil, fmt.Errorf("helm.valueFiles[%d]: %w", i, err)
		}
		e.field = fmt.Sprintf("helm.valueFiles[%d]", i)
		entries = append(entries, e)
	}
	var names []string
	for _, e := range entries {
		found, err := in.expand(e, entries)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.field, err)
		}
		names = append(names, found...)
	}
	return names, nil
}

// expand returns the files of an entry: those that a pattern matches, but for
// such as another entry names.
func (in *inputs) expand(e entry, all []entry) ([]string, error) {
	if e.pattern {
		matches, err := in.glob(e)
		if err != nil || len(matches) > 0 {
			return slices.DeleteFunc(matches, func(name string) bool { return named(all, name) }), err
		}
		if in.r.options.IgnoreMissingValueFiles {
			return nil, nil
		}
		return nil, fmt.Errorf("%q matches no file%s", e.raw, orIgnore)
	}
	info, err := in.r.req.Tree.Stat(e.name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && in.r.options.IgnoreMissingValueFiles:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, in.missing(e)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%q is a directory", e.raw)
	}
	return []string{e.name}, nil
}

const orIgnore = "; correct it, or set helm.ignoreMissingValueFiles"

func named(all []entry, name string) bool {
	return slices.ContainsFunc(all, func(e entry) bool { return !e.pattern && e.name == name })
}

// missing says which files are there instead.
func (in *inputs) missing(e entry) error {
	dir := path.Dir(e.name)
	entries, err := in.r.req.Tree.ReadDir(dir)
	if err != nil {
		return &absent{fmt.Sprintf("%q is not there: there is no directory %s%s", e.raw, dir, orIgnore)}
	}
	var near []string
	for _, e := range entries {
		if ext := path.Ext(e.Name()); (ext == ".yaml" || ext == ".yml") && e.Name() != chartFile && len(near) < 8 {
			near = append(near, e.Name())
		}
	}
	hint := "no YAML files"
	if len(near) > 0 {
		hint = strings.Join(near, ", ")
	}
	return &absent{fmt.Sprintf("%q is not there: %s has %s%s", e.raw, dir, hint, orIgnore)}
}

// absent says that something is not there, in more words than fs has.
type absent struct{ text string }

func (a *absent) Error() string { return a.text }
func (a *absent) Unwrap() error { return fs.ErrNotExist }
