package directory

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"path"
	"unicode/utf16"

	"go.yaml.in/yaml/v2"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// skipMark, in a file, has it left out. It is Argo CD's.
const skipMark = "+argocd:skip-file-rendering"

func skipped(data []byte) bool { return bytes.Contains(data, []byte(skipMark)) }

// utf8Of decodes UTF-16, which a redirection on Windows writes. It begins with a
// byte order mark.
func utf8Of(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// manifests adds a YAML file if it is meant to hold manifests. As in Argo CD, a
// file is if it has the words of one somewhere, and is then an error if it is no
// manifest; any other counts if its first document has a kind, and is some other
// tool's if not.
func (r *reading) manifests(name string, data []byte) {
	if all(data, "apiVersion:", "kind:", "metadata:") {
		r.addAll(name, data)
		return
	}
	switch first, err := firstKind(data); {
	case first != "":
		r.addAll(name, data)
	case !isYAML(name):
	case err != nil:
		r.warn(name, "it is no YAML, and has no apiVersion, kind and metadata")
	case bytes.Contains(data, []byte("apiVersion:")):
		r.warn(name, "it has an apiVersion and no kind")
	}
}

// addAll adds a YAML file, or what it holds if that is a stream of JSON.
func (r *reading) addAll(name string, data []byte) {
	stream := jsonStream(data)
	if len(stream) < 2 {
		r.add(name, data)
		return
	}
	end := 0
	for _, value := range stream {
		start := end + bytes.Index(data[end:], value)
		end = start + len(value)
		line := bytes.Count(data[:start], []byte("\n")) + 1
		r.result.Documents = append(r.result.Documents, sdk.Document{Data: value, File: name, Line: line})
	}
}

// jsonStream returns the JSON values that data is, nil if it is no such thing.
func jsonStream(data []byte) (values []json.RawMessage) {
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var value json.RawMessage
		switch err := d.Decode(&value); {
		case errors.Is(err, io.EOF):
			return values
		case err != nil:
			return nil
		}
		values = append(values, value)
	}
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

// firstKind returns the kind of the first document that is not empty, "" if it
// has none. Aliases are not expanded for it.
func firstKind(data []byte) (string, error) {
	if stream := jsonStream(data); stream != nil {
		data = stream[0]
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document any
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			return "", nil
		} else if err != nil {
			return "", err
		}
		if document == nil {
			continue
		}
		object, _ := document.(map[any]any)
		kind, _ := object["kind"].(string)
		return kind, nil
	}
}

func all(data []byte, words ...string) bool {
	for _, word := range words {
		if !bytes.Contains(data, []byte(word)) {
			return false
		}
	}
	return true
}
