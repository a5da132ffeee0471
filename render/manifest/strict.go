package manifest

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
)

// decodeStrict is decode, and refuses a key that stands twice in one map.
func decodeStrict(text []byte) (any, error) { return decodeBy(text, decodeTextStrict) }

func decodeTextStrict(text []byte) (any, error) {
	var body any
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		if repeats, err := kjson.UnmarshalStrict(trimmed, &body); err == nil {
			return body, repeatedField(repeats)
		}
	}
	// The parser's strict mode is quick. But it takes an override of what << merges
	// for a repetition, and does not tell where the other one is.
	body = nil
	if yaml.UnmarshalStrict(text, &body) == nil {
		return convert(body)
	}
	if err := repeatedKey(text); err != nil {
		return nil, err
	}
	return decodeText(text)
}

// repeatedField tells of what strict reading of JSON complains about.
func repeatedField(repeats []error) error {
	if len(repeats) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %.200s in one map: keep one of them", ErrInvalid, repeats[0].Error())
}

// A repeatError is a key that stands in a map for the second time, at a line of
// its document.
type repeatError struct {
	key         string
	line, above int
}

func (e *repeatError) Error() string {
	other := "in the same line"
	switch {
	case e.above == 1:
		other = "in the line above"
	case e.above > 1:
		other = fmt.Sprintf("%d lines above", e.above)
	}
	return fmt.Sprintf("%v: the key %.80q stands twice in one map, the other %s: keep one of them", ErrInvalid, e.key, other)
}
func (e *repeatError) Unwrap() error { return ErrInvalid }

// repeatedKey returns a *repeatError of the first key that is stated twice, or nil.
func repeatedKey(text []byte) error {
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil //nolint:nilerr // what is malformed is not for this function to tell
	}
	return repeatedIn(&document)
}

func repeatedIn(n *yaml3.Node) error {
	if n.Kind == yaml3.MappingNode {
		seen := make(map[[2]string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			id := [2]string{key.ShortTag(), key.Value}
			if key.Kind != yaml3.ScalarNode || id[0] == "!!merge" {
				continue
			}
			if first, twice := seen[id]; twice {
				return &repeatError{key: key.Value, line: key.Line, above: key.Line - first}
			}
			seen[id] = key.Line
		}
	}
	for _, child := range n.Content {
		if err := repeatedIn(child); err != nil {
			return err
		}
	}
	return nil
}
