package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	gotemplate "text/template"
	"text/template/parse"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// functions are what the templates of one render may call beyond helm's own, or
// in their place.
type functions struct {
	r         *rendering
	templates templates
	record    record
	refused   map[string]string // kinds that were not looked up, and why
}

// all are given to helm's engine, which has its own for all other names.
func (f *functions) all() gotemplate.FuncMap {
	funcs := f.record.functions()
	funcs["lookup"], funcs["keys"], funcs["values"] = f.lookup, sortedKeysOf, sortedValues
	funcs["toYaml"], funcs["mustToYaml"] = toYAML, mustToYAML
	return funcs
}

// lookup reads from the destination, if the Application allows it; else nothing
// is there, as in `helm template`.
func (f *functions) lookup(apiVersion, kind, namespace, name string) (map[string]any, error) {
	object := sdk.Object{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	data, err := f.r.req.Host.Lookup(f.r.ctx, object)
	found := map[string]any{}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, sdk.ErrNoHost):
		if f.refused == nil {
			f.refused = map[string]string{}
		}
		f.refused[apiVersion+"/"+kind] = err.Error()
		return found, nil
	case err != nil:
		return nil, err
	case data == nil:
		return found, nil
	}
	return found, json.Unmarshal(data, &found)
}

// warn tells of what was not looked up.
func (f *functions) warn() {
	for _, kind := range slices.Sorted(maps.Keys(f.refused)) {
		f.r.warn("%s: lookup of %s finds nothing, as in helm template: %s", f.where("lookup"), kind, f.refused[kind])
	}
}

// where lists the places in templates that call one of some functions, three of
// them at most.
func (f *functions) where(names ...string) string {
	var places []string
	for _, name := range slices.Sorted(maps.Keys(f.templates)) {
		lines := calls(f.templates[name].text, names)
		for _, line := range lines {
			places = append(places, f.templates.place(name, line))
		}
	}
	if len(places) == 0 {
		return f.r.root
	}
	more := ""
	if len(places) > 3 {
		more = fmt.Sprintf(" and %d more", len(places)-3)
	}
	return strings.Join(places[:min(3, len(places))], ", ") + more
}

// calls returns the lines of a template that call one of some functions.
func calls(text string, names []string) (lines []int) {
	if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text, name) }) {
		return nil
	}
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", set); err != nil {
		return nil
	}
	for _, t := range set {
		if t.Root == nil {
			continue
		}
		visit(reflect.ValueOf(t.Root), func(id *parse.IdentifierNode) {
			if slices.Contains(names, id.Ident) {
				lines = append(lines, 1+strings.Count(text[:min(int(id.Pos), len(text))], "\n"))
			}
		})
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// visit walks to the identifiers below a node.
func visit(v reflect.Value, found func(*parse.IdentifierNode)) {
	switch v.Kind() {
	case reflect.Interface:
		visit(v.Elem(), found)
	case reflect.Pointer:
		if v.IsNil() || !v.CanInterface() {
			return
		}
		if id, ok := v.Interface().(*parse.IdentifierNode); ok {
			found(id)
			return
		}
		if _, isTree := v.Interface().(*parse.Tree); !isTree {
			visit(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				visit(v.Field(i), found)
			}
		}
	}
}

// sortedKeysOf is keys, in an order that is always the same.
func sortedKeysOf(tables ...map[string]any) []string {
	var keys []string
	for _, table := range tables {
		keys = append(keys, sortedKeys(table)...)
	}
	return keys
}

// sortedValues is values, in the order of the keys.
func sortedValues(table map[string]any) []any {
	list := make([]any, 0, len(table))
	for _, key := range sortedKeys(table) {
		list = append(list, table[key])
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
