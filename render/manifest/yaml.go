package manifest

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// decode reads one document, with numbers as int64 or float64 as the API
// machinery has them. An empty document gives nil.
func decode(text []byte) (any, error) { return decodeBy(text, decodeText) }

func decodeBy(text []byte, read func([]byte) (any, error)) (any, error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	body, err := read(text)
	if err == nil && deeper(body, maxDepth) {
		return nil, fmt.Errorf("%w: nested more than %d deep", ErrLimit, maxDepth)
	}
	return body, err
}

func decodeText(text []byte) (any, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		var body any
		if err := utiljson.Unmarshal(trimmed, &body); err == nil {
			return body, nil
		}
	}
	var body any
	if err := yaml.Unmarshal(text, &body); err != nil {
		return nil, malformed(err, text)
	}
	return convert(body)
}

func convert(body any) (any, error) {
	c := converter{left: maxExpanded}
	return c.value(body)
}

// bounded refuses a document before a parser spends memory on it: one takes
// some hundred bytes a value, and a value costs at least one of these bytes.
func bounded(text []byte) error {
	if len(text) > maxDocument {
		return fmt.Errorf("%w: a document of %d bytes; %d are allowed", ErrLimit, len(text), maxDocument)
	}
	values := bytes.Count(text, []byte(",")) + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("-"))
	if values > maxValues {
		return fmt.Errorf("%w: a document of about %d values; %d are allowed", ErrLimit, values, maxValues)
	}
	return nil
}

// deeper says whether v is nested more than n deep.
func deeper(v any, n int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			if n == 0 || deeper(item, n-1) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if n == 0 || deeper(item, n-1) {
				return true
			}
		}
	}
	return false
}

// A converter makes JSON values of YAML ones by the rules of sigs.k8s.io/yaml,
// which kubectl uses; a test compares the two. Doing it here saves a detour by
// JSON text, and bounds what aliases multiply.
type converter struct{ left int }

func (c *converter) value(v any) (any, error) {
	if c.left -= 8; c.left < 0 {
		return nil, fmt.Errorf("%w: its aliases expand to more than %d bytes", ErrLimit, maxExpanded)
	}
	switch v := v.(type) {
	case map[any]any:
		return c.mapping(v)
	case []any:
		return c.sequence(v)
	case string:
		c.left -= len(v)
		return strings.ToValidUTF8(v, "\ufffd"), nil
	case int:
		return int64(v), nil
	case uint64:
		return float64(v), nil // beyond int64, or yaml would have made it an int
	case float64:
		return number(v)
	case nil, bool, int64:
		return v, nil
	}
	return nil, fmt.Errorf("%w: a value of a type that JSON lacks", ErrInvalid)
}

func (c *converter) mapping(in map[any]any) (any, error) {
	out := make(map[string]any, len(in))
	for k, v := range in {
		key, err := keyText(k)
		if err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%w: two keys of one map are the same text", ErrInvalid)
		}
		c.left -= len(key)
		if out[key], err = c.value(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *converter) sequence(in []any) (any, error) {
	out := make([]any, len(in))
	for i, v := range in {
		var err error
		if out[i], err = c.value(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func keyText(k any) (string, error) {
	switch k := k.(type) {
	case string:
		return strings.ToValidUTF8(k, "\ufffd"), nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case bool:
		return strconv.FormatBool(k), nil
	case float64:
		return floatKey(k), nil
	}
	return "", fmt.Errorf("%w: a key that is no text: put it in quotes", ErrInvalid)
}

// floatKey prints as sigs.k8s.io/yaml does: like YAML, with the precision of a
// float32.
func floatKey(f float64) string {
	switch s := strconv.FormatFloat(f, 'g', -1, 32); s {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return s
	}
}

// number gives a whole float the type that its JSON text would have.
func number(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%w: a number that JSON lacks: put it in quotes", ErrInvalid)
	}
	if n, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
		return n, nil
	}
	return f, nil
}

// A syntaxError is malformed YAML at a line of its document.
type syntaxError struct {
	line   int // counted from 1, 0 unknown
	reason string
}

func (e *syntaxError) Error() string { return ErrInvalid.Error() + ": malformed YAML" + e.reason }
func (e *syntaxError) Unwrap() error { return ErrInvalid }

var yamlText = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// fixedReason matches the parser's messages that are constants. The others
// quote the document, which may hold a secret: "invalid map key: ...", "cannot
// unmarshal !!str `hunter2` into ...", "unknown anchor 'hunter2' referenced".
var fixedReason = regexp.MustCompile(`^(did not find|could not find|found|block sequence|mapping (keys|values)|` +
	`control characters|document contains|exceeded max depth|map merge|!!binary value) [^"` + "`" + `]*$`)

// malformed keeps the line of a YAML error, and its reason if that is fixed, and
// says what to look at.
func malformed(err error, text []byte) error {
	e := &syntaxError{}
	if m := yamlText.FindStringSubmatch(err.Error()); m != nil {
		e.line, _ = strconv.Atoi(m[1])
		if fixedReason.MatchString(m[2]) {
			e.reason = ": " + m[2]
		}
		e.reason += advice(text, e.line)
	}
	return e
}

// advice tells what is most likely wrong with a line that does not parse: the
// parser speaks of itself.
func advice(text []byte, line int) string {
	rows := bytes.Split(text, []byte("\n"))
	if line < 1 || line > len(rows) {
		return ""
	}
	// The parser counts where it has got to: the line may be the next, or the last.
	here := bytes.Join(rows[max(0, line-2):min(len(rows), line+1)], nil)
	indent := rows[line-1][:len(rows[line-1])-len(bytes.TrimLeft(rows[line-1], " \t"))]
	switch {
	case bytes.Contains(indent, []byte("\t")):
		return ": indent by blanks, YAML takes no tabs"
	case bytes.Contains(here, []byte("{{")):
		return ": it looks like a template of Helm, which is no manifest before it is rendered"
	}
	return ": check the indentation and the quotes of this line and of those before it"
}
