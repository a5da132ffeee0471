package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// SetFields returns the JSON path of each field below v, a struct or a pointer to one,
// that is not zero: sorted, without repeats, lists as [], inner nodes as well as leaves.
//
//	SetFields(&app.Spec) // destination, destination.server, source, …, sources[].ref
//
// An agent that does not act on a field can find out by it whether a user has set it.
func SetFields(v any) []string {
	found := map[string]struct{}{}
	walkSet(reflect.ValueOf(v), "", found)
	return slices.Sorted(maps.Keys(found))
}

var jsonMarshaler = reflect.TypeFor[json.Marshaler]()

func walkSet(v reflect.Value, path string, found map[string]struct{}) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	if path != "" {
		found[path] = struct{}{}
	}
	switch {
	case v.Kind() == reflect.Pointer:
		walkSet(v.Elem(), path, found)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			walkSet(v.Index(i), path+"[]", found)
		}
	case v.Kind() == reflect.Struct && !v.Type().Implements(jsonMarshaler):
		for i := range v.NumField() {
			walkSet(v.Field(i), join(path, jsonName(v.Type().Field(i))), found)
		}
	}
}

// jsonName is the field's JSON name, empty if its own fields are inlined.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}
