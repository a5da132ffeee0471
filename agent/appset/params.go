package appset

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Params are one set of parameters. For fasttemplate all values are texts, and names
// have dots in them; for Go templates they are nested.
type Params = map[string]any

// flatten returns the leaves of nested parameters by their paths: "a.b", "list.0". What
// is no map and no list is a leaf.
func flatten(params Params) map[string]string {
	flat := map[string]string{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(join(prefix, key), value)
			}
		case map[string]string:
			for key, value := range v {
				flat[join(prefix, key)] = value
			}
		case []any:
			for i, value := range v {
				walk(join(prefix, strconv.Itoa(i)), value)
			}
		default:
			flat[prefix] = fmt.Sprint(v)
		}
	}
	walk("", params)
	return flat
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// texts makes parameters for fasttemplate of texts.
func texts(flat map[string]string) Params {
	params := make(Params, len(flat))
	for key, value := range flat {
		params[key] = value
	}
	return params
}

// clone copies parameters, nested ones too, so that none are shared.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = clone(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = clone(value)
		}
		return out
	case []map[string]any:
		out := make([]map[string]any, len(v))
		for i, value := range v {
			out[i] = clone(value).(map[string]any)
		}
		return out
	case map[string]string:
		return maps.Clone(v)
	case []string:
		return slices.Clone(v)
	}
	return v
}

// overlay lays over over base, as deep as both have maps.
func overlay(base, over Params) Params {
	out := clone(base).(Params)
	for key, value := range over {
		out[key] = layered(out[key], clone(value))
	}
	return out
}

// layered is one value over another.
func layered(below, above any) any {
	a, plainBelow := below.(map[string]string)
	b, plainAbove := above.(map[string]string)
	if plainBelow && plainAbove {
		maps.Copy(a, b)
		return a
	}
	under, isMap := nested(below)
	if over, ok := nested(above); ok && isMap {
		return overlay(under, over)
	}
	return above
}

// nested is the map that a value is.
func nested(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case map[string]string:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = value
		}
		return out, true
	}
	return nil, false
}

// combine joins flat parameters. A name that both have must have one value.
func combine(a, b Params) (Params, error) {
	out := make(Params, len(a)+len(b))
	for key, value := range a {
		out[key] = fmt.Sprint(value)
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		value := fmt.Sprint(b[key])
		if other, ok := out[key]; ok && other != value {
			return nil, failf(ErrGenerator, "both children have a parameter %q: %q and %q", key, clip(fmt.Sprint(other)), clip(value))
		}
		out[key] = value
	}
	return out, nil
}

// telling are the parameters that people know a set by, the first that there is.
var telling = []string{"path", "path.path", "name", "number", "repository", "cluster", "env", "branch"}

// summary says which parameters these are: " (path apps/api)".
func summary(params Params) string {
	flat := flatten(params)
	for _, key := range telling {
		if value, ok := flat[key]; ok {
			return fmt.Sprintf(" (%s %s)", key, clip(value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		if text := flat[key]; text != "" && !strings.HasPrefix(text, "[") {
			return fmt.Sprintf(" (%s %s)", key, clip(flat[key]))
		}
	}
	return ""
}

// clip cuts a text to a length that can be shown, on one line.
func clip(text string) string {
	const most = 80
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
