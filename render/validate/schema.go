package validate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
	"k8s.io/apimachinery/pkg/api/resource"
)

const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"

// A walker compares a value with a schema, as the API server's strict decoding
// does: what is null is not there, and no text is taken for a number.
type walker struct {
	version *openapi.Version
	report  *report
	lax     bool // fields that nobody knows are none of its business
}

func (w *walker) value(path string, s *openapi.Schema, v any) {
	if v == nil {
		return
	}
	if _, ok := v.(map[string]any); ok && schemaOrOther[s.Ref] { // which decodes itself, and not strictly
		(&walker{w.version, w.report, true}).value(path, &openapi.Schema{Ref: propsDefinition}, v)
		return
	}
	enum, ref := s.Enum, s.Ref
	if s.Ref != "" {
		named, err := w.version.Named(s.Ref)
		if err != nil {
			w.report.add(RuleUnknownKind, path, err.Error(), "")
			return
		}
		if s.Ref == quantity {
			w.quantity(path, v)
			return
		}
		s = named
	}
	if want := w.mismatch(s, v); want != "" {
		w.report.add(RuleType, path, fmt.Sprintf("it must be %s, and is %s", want, described(v)), advice(want, v))
		return
	}
	switch v := v.(type) {
	case map[string]any:
		w.object(path, ref, s, v)
	case []any:
		w.list(path, s, v)
	case string:
		w.text(path, s, enum, v)
	case int64:
		w.integer(path, s, v)
	}
}

// propsDefinition is that of schemas in definitions of custom kinds. In schemaOrOther are
// those that may be one, or something else that is no map.
const propsDefinition = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"

var schemaOrOther = map[string]bool{propsDefinition + "OrArray": true, propsDefinition + "OrBool": true}

// mismatch returns what a value would have to be, "" if it is that.
func (w *walker) mismatch(s *openapi.Schema, v any) string {
	types := s.Either
	if len(types) == 0 && s.Type != "" {
		types = []string{s.Type}
	}
	if len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return isType(t, v) }) {
		return ""
	}
	var words []string
	for _, t := range types {
		words = append(words, typeWords[t])
	}
	return strings.Join(words, " or ")
}

var typeWords = map[string]string{
	"object": "a map", "array": "a list", "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
}

func isType(t string, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return t == "object"
	case []any:
		return t == "array"
	case string:
		return t == "string"
	case bool:
		return t == "boolean"
	case int64:
		return t == "integer" || t == "number"
	case float64:
		return t == "number" || t == "integer" && v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return false
}

// described names a value's type; the value only if it is short and cannot be
// secret.
func described(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return strconv.FormatBool(v)
	case int64, float64:
		return fmt.Sprint(v)
	}
	return "nothing that JSON has"
}

func advice(want string, v any) string {
	switch v.(type) {
	case bool, int64, float64:
		if want == typeWords["string"] {
			return "put it in quotes"
		}
	case string:
		if want == typeWords["integer"] || want == typeWords["boolean"] || want == typeWords["number"] {
			return "write it without quotes"
		}
	}
	return ""
}

func (w *walker) object(path, ref string, s *openapi.Schema, v map[string]any) {
	if check := parts[ref]; check != nil {
		check(w.report, path, v)
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		at := child(path, name)
		if property := s.Properties[name]; property != nil {
			w.value(at, property, v[name])
			w.report.scalar(at, ref+"."+name, v[name])
			if !lenient[name] {
				w.void(at, property, v[name], slices.Contains(s.Required, name))
			}
		} else if s.Values != nil {
			w.value(keyed(path, name), s.Values, v[name])
		} else if len(s.Properties) > 0 && !s.Open && !w.lax {
			w.report.add(RuleUnknownField, at, "there is no such field", suggestion(name, s))
		}
	}
	for _, name := range s.Required {
		if v[name] == nil && !w.optional(s, name) {
			w.report.add(RuleRequired, child(path, name), "it must be there", "")
		}
	}
}

// optional are fields that the schemas demand, and API servers do not: without
// them they are empty, or have a default.
func (w *walker) optional(s *openapi.Schema, name string) bool {
	property := s.Properties[name]
	if property == nil {
		return false
	}
	if len(property.Default) > 0 && string(property.Default) != `""` && string(property.Default) != "0" {
		return true
	}
	return lenient[name] || hollow[property.Ref]
}

func suggestion(name string, s *openapi.Schema) string {
	if near := api.Nearest(name, slices.Sorted(maps.Keys(s.Properties))); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func (w *walker) list(path string, s *openapi.Schema, v []any) {
	if s.Items == nil {
		return
	}
	seen := map[string]int{}
	for i, item := range v {
		at := path + "[" + strconv.Itoa(i) + "]"
		w.value(at, s.Items, item)
		if item == "" && len(s.Items.Enum) > 0 {
			w.empty(at, s.Items)
		}
		key, ok := w.key(s, item)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			w.report.add(RuleDuplicate, at, fmt.Sprintf("%s is that of item %d, too", keyWords(s, key), first), "keep one of them")
			continue
		}
		seen[key] = i
	}
}

func keyWords(s *openapi.Schema, key string) string {
	if s.List == "set" {
		return "the value " + key
	}
	return strings.Join(s.Keys, " and ") + " " + key
}

// key tells apart the items of a list that may not repeat them.
func (w *walker) key(s *openapi.Schema, item any) (string, bool) {
	switch s.List {
	case "set":
		text, err := json.Marshal(item)
		return string(text), err == nil
	case "map":
		m, ok := item.(map[string]any)
		if !ok {
			return "", false
		}
		var parts []string
		for _, name := range s.Keys {
			v := m[name]
			if v == nil {
				v = w.fallback(s.Items, name)
			}
			parts = append(parts, fmt.Sprint(v))
		}
		return strings.Join(parts, " "), true
	}
	return "", false
}

// fallback is the default of a field.
func (w *walker) fallback(s *openapi.Schema, name string) any {
	if s.Ref != "" {
		named, err := w.version.Named(s.Ref)
		if err != nil {
			return nil
		}
		s = named
	}
	property := s.Properties[name]
	if property == nil || len(property.Default) == 0 {
		return ""
	}
	var v any
	if json.Unmarshal(property.Default, &v) != nil {
		return ""
	}
	return v
}

func (w *walker) text(path string, s *openapi.Schema, enum []string, v string) {
	if v != "" && len(enum) > 0 && !slices.Contains(enum, v) {
		w.report.add(RuleValue, path, fmt.Sprintf("%.60q is none of %s", v, strings.Join(enum, ", ")), meant(v, enum))
	}
	switch s.Format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			w.report.add(RuleFormat, path, "it is no time, such as 2006-01-02T15:04:05Z", "")
		}
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(v); err != nil {
			w.report.add(RuleFormat, path, "it is not base64", "")
		}
	}
}

func meant(v string, enum []string) string {
	if near := api.Nearest(v, enum); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// void tells of an empty text or list where there must be one that is not.
func (w *walker) void(path string, s *openapi.Schema, v any, required bool) {
	list, _ := v.([]any)
	switch {
	case v == "" && len(s.Enum) > 0 && !slices.Contains(s.Enum, "") && (required || s.Pointer):
		w.empty(path, s)
	case v == "" && required && s.Type == "string" && s.Format == "" && (len(s.Default) == 0 || string(s.Default) == `""`) || list != nil && len(list) == 0 && required:
		w.report.add(RuleRequired, path, "it must not be empty", "")
	}
}

// empty tells of a text that is one of some, and is none.
func (w *walker) empty(path string, s *openapi.Schema) {
	w.report.add(RuleValue, path, "it must be one of "+strings.Join(s.Enum, ", "), "")
}

func (w *walker) integer(path string, s *openapi.Schema, v int64) {
	if (s.Format == "int32" || s.Format == "int-or-string") && (v > math.MaxInt32 || v < math.MinInt32) {
		w.report.add(RuleValue, path, fmt.Sprintf("%d does not fit into 32 bits", v), "")
	}
}

// quantity reads an amount, of which a number is one, too.
func (w *walker) quantity(path string, v any) {
	text := fmt.Sprint(v)
	switch v.(type) {
	case string, int64, float64:
	default:
		w.report.add(RuleType, path, "it must be an amount such as 100m or 128Mi, and is "+described(v), "")
		return
	}
	if _, err := resource.ParseQuantity(text); err != nil {
		w.report.add(RuleQuantity, path, fmt.Sprintf("%.40q is no amount", text), amountAdvice(text))
	}
}

// amountAdvice knows the units that people write.
func amountAdvice(text string) string {
	for wrong, right := range map[string]string{"MB": "M", "GB": "G", "KB": "k", "mb": "M", "gb": "G", "MiB": "Mi", "GiB": "Gi", "KiB": "Ki", "K": "k", "mi": "Mi", "gi": "Gi", "ki": "Ki"} {
		if number, ok := strings.CutSuffix(text, wrong); ok {
			if fixed := strings.TrimSpace(number) + right; isAmount(fixed) {
				return "write " + fixed
			}
		}
	}
	return "write it as 100m, 0.5, 128Mi or 1G"
}

func isAmount(text string) bool {
	_, err := resource.ParseQuantity(text)
	return err == nil
}

func child(path, name string) string {
	if strings.ContainsAny(name, ".[]/") {
		return keyed(path, name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func keyed(path, name string) string { return path + "[" + name + "]" }
