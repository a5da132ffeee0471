package kube

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// encode is the JSON of a value that was made from JSON, its fields in order. The
// usual way finds out by reflection what is known here.
func encode(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return encodeText(b, v)
	case map[string]any:
		return encodeFields(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = encode(b, item)
		}
		return append(b, ']')
	}
	raw, err := utiljson.Marshal(value) // a fraction, or what a client of Go has put in
	must(err)                           // it was JSON before
	return append(b, raw...)
}

func encodeFields(b []byte, fields map[string]any) []byte {
	if fields == nil {
		return append(b, "null"...)
	}
	var some [16]string
	names := slices.AppendSeq(some[:0], maps.Keys(fields))
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = encode(append(encodeText(b, name), ':'), fields[name])
	}
	return append(b, '}')
}

func encodeText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, err := utiljson.Marshal(text)
			must(err) // any text can be JSON
			return append(b, raw...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
