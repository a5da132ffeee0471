package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// texts calls look with every string and number of a JSON text, keys of maps
// included, until one returns true, which it returns then. The JSON must be valid:
// it is what package manifest encoded.
func texts(raw []byte, look func([]byte) bool) bool {
	var unescaped []byte
	for at := 0; at < len(raw); {
		if raw[at] != '"' {
			end := at + 1
			for end < len(raw) && raw[end] != '"' {
				end++
			}
			if look(raw[at:end]) { // punctuation is no secret, and numbers may be
				return true
			}
			at = end
			continue
		}
		end, escaped := closing(raw, at+1)
		text := raw[at+1 : end]
		if escaped {
			text = unescape(raw[at:end+1], unescaped[:0])
			unescaped = text
		}
		if look(text) {
			return true
		}
		at = end + 1
	}
	return false
}

// closing returns where the string that begins at an offset ends.
func closing(raw []byte, at int) (end int, escaped bool) {
	for {
		next := bytes.IndexByte(raw[at:], '"')
		if next < 0 {
			return len(raw) - 1, escaped // not in valid JSON
		}
		part := raw[at : at+next]
		escaped = escaped || bytes.IndexByte(part, '\\') >= 0
		at += next
		if slashes := len(part) - len(bytes.TrimRight(part, `\`)); slashes%2 == 0 {
			return at, escaped
		}
		at++
	}
}

// unescape decodes a JSON string, quotes included, into a buffer.
func unescape(quoted, into []byte) []byte {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return append(into, quoted...) // not in valid JSON
	}
	return append(into, text...)
}

// fields calls look with every key, string and number of an object, and its path.
func fields(o *manifest.Object, look func(path string, text []byte)) {
	body := o.Body()
	walk("", body, look)
	if !hasBinary(o) {
		return
	}
	binary, _ := body["binaryData"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(binary)) {
		text, _ := binary[key].(string)
		if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
			look(child("binaryData", key), plain)
		}
	}
}

// hasBinary says whether an object has texts that are base64 of anything.
func hasBinary(o *manifest.Object) bool {
	return o.Key.Group == "" && o.Key.Kind == "ConfigMap" && bytes.Contains(o.JSON(), []byte(`"binaryData":{`))
}

func walk(path string, value any, look func(path string, text []byte)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			look("a key of "+orObject(path), []byte(key))
			walk(child(path, key), value[key], look)
		}
	case []any:
		for i, item := range value {
			walk(fmt.Sprintf("%s[%d]", path, i), item, look)
		}
	case string:
		look(path, []byte(value))
	case int64:
		look(path, strconv.AppendInt(nil, value, 10))
	case float64:
		if text, err := json.Marshal(value); err == nil {
			look(path, text)
		}
	}
}

func orObject(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// child is the path of a key: "data.url", `metadata.annotations["a/b"]`.
func child(path, key string) string {
	switch {
	case strings.ContainsAny(key, `./"[] `) || key == "":
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}
