package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// readValues returns the values that fields of Kubernetes' Go types may have, by
// the definition's name and the field's: those of the constants of a type that is
// marked +enum.
func readValues(dir string) (map[string][]string, error) {
	values := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "types.go"))
	if err != nil {
		return nil, err
	}
	core, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "core", "v1", "types.go"), nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		version := filepath.Dir(file)
		prefix := "io.k8s.api." + filepath.Base(filepath.Dir(version)) + "." + filepath.Base(version) + "."
		known := constants(core)
		maps.Copy(known, constants(parsed))
		fieldsOf(parsed, prefix, known, values)
	}
	return values, nil
}

// constants returns the constants of types that are marked, by type.
func constants(file *ast.File) map[string][]string {
	found := map[string][]string{}
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.TYPE {
			continue
		}
		for _, spec := range d.Specs {
			if name := spec.(*ast.TypeSpec).Name.Name; strings.Contains(d.Doc.Text(), "+enum") || slices.Contains(closed, name) {
				found[name] = nil
			}
		}
	}
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST {
			continue
		}
		for _, spec := range d.Specs {
			constant(spec.(*ast.ValueSpec), found)
		}
	}
	return found
}

// pointed marks the values of a field that is not there where it is empty: the
// empty text is none of them.
const pointed = "\x01"

// closed are types whose fields have the values of their constants only, though
// they are not marked so.
var closed = []string{
	"FSGroupPolicy", "VolumeLifecycleMode", "PersistentVolumeClaimRetentionPolicyType", "HPAScalingPolicyType", "ScalingPolicySelect",
	"MetricTargetType", "MetricSourceType", "ScopeType",
}

// unread stands for a value that cannot be read: nothing is said of its type.
const unread = "\x00"

func constant(spec *ast.ValueSpec, found map[string][]string) {
	if len(spec.Values) != 1 {
		return
	}
	of, _ := spec.Type.(*ast.Ident)
	value := spec.Values[0]
	if call, ok := value.(*ast.CallExpr); ok && of == nil && len(call.Args) == 1 { // PathType("Exact")
		of, _ = call.Fun.(*ast.Ident)
		value = call.Args[0]
	}
	if of == nil {
		return
	}
	if _, marked := found[of.Name]; !marked {
		return
	}
	literal, ok := value.(*ast.BasicLit)
	if !ok { // another constant: the type has values that are not known here
		found[of.Name] = append(found[of.Name], unread)
		return
	}
	if value, err := strconv.Unquote(literal.Value); err == nil {
		found[of.Name] = append(found[of.Name], value)
	}
}

// fieldsOf fills values for the fields whose type has constants.
func fieldsOf(file *ast.File, prefix string, constants, values map[string][]string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		structure, ok := spec.Type.(*ast.StructType)
		if !ok {
			return false
		}
		for _, field := range structure.Fields.List {
			of := constants[elementOf(field.Type)]
			if _, pointer := field.Type.(*ast.StarExpr); of != nil && pointer {
				of = append(slices.Clone(of), pointed)
			}
			if of != nil && !slices.Contains(of, unread) && field.Tag != nil {
				tag, _ := strconv.Unquote(field.Tag.Value)
				name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
				values[prefix+spec.Name.Name+" "+name] = slices.Sorted(slices.Values(of))
			}
		}
		return false
	})
}

// elementOf is the name of a type, of what it points at, or of its elements.
func elementOf(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return elementOf(t.X)
	case *ast.SelectorExpr: // of the core group
		return t.Sel.Name
	case *ast.ArrayType:
		return elementOf(t.Elt)
	}
	return ""
}
