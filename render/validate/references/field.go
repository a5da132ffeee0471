package references

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A field is a value of an object's body, with the way to it. The zero field is
// one that is not there.
type field struct {
	path  string
	value any
}

// in goes down by the keys of maps.
func (f field) in(names ...string) field {
	for _, name := range names {
		m, _ := f.value.(map[string]any)
		value, ok := m[name]
		if !ok || value == nil {
			return field{}
		}
		f = field{f.path + step(f.path, name), value}
	}
	return f
}

// step writes a key as paths have it: in brackets, if it has dots of its own.
func step(path, name string) string {
	switch {
	case strings.ContainsAny(name, "./"):
		return "[" + name + "]"
	case path == "":
		return name
	}
	return "." + name
}

// items are those of a list.
func (f field) items() []field {
	list, _ := f.value.([]any)
	all := make([]field, len(list))
	for i, value := range list {
		all[i] = field{f.path + "[" + strconv.Itoa(i) + "]", value}
	}
	return all
}

// each are the items of the list at some keys.
func (f field) each(names ...string) []field { return f.in(names...).items() }

// keys are those of a map, in order.
func (f field) keys() []string {
	m, _ := f.value.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// text is a string, "" if it is something else.
func (f field) text() string {
	text, _ := f.value.(string)
	return text
}

// or is the text, or another one if there is none.
func (f field) or(other string) string {
	if text := f.text(); text != "" {
		return text
	}
	return other
}

func (f field) there() bool { return f.value != nil }

func (f field) isTrue() bool { return f.value == true }

// number is a whole number. Bodies have them as int64.
func (f field) number() (int64, bool) {
	n, ok := f.value.(int64)
	return n, ok
}

// strings calls see with every text below a field.
func (f field) strings(see func(string)) {
	switch v := f.value.(type) {
	case string:
		see(v)
	case []any:
		for _, item := range v {
			field{value: item}.strings(see)
		}
	case map[string]any:
		for _, item := range v {
			field{value: item}.strings(see)
		}
	}
}
