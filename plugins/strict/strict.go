// Package strict reads YAML that people write: a key that nothing is known of is
// an error, and every error says file, line and what was probably meant.
//
// Start with [Decode].
package strict

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxText is how long a file may be.
const MaxText = 1 << 20

// Decode fills the struct that into points to from the one YAML document of a
// file. Keys are those of the fields' yaml tags. Errors begin with "FILE:LINE: ".
func Decode(file string, text []byte, into any) error {
	root, err := parse(file, text)
	if err != nil {
		return err
	}
	if err := (checking{file}).value(root, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	if err := root.Decode(into); err != nil {
		return located(file, root, err)
	}
	return nil
}

// Peek returns the text at a path of keys, "" if there is none: to know whose a
// file is that cannot be decoded.
func Peek(text []byte, keys ...string) string {
	node, err := parse("", text)
	if err != nil {
		return ""
	}
	for _, key := range keys {
		if node = child(node, key); node == nil {
			return ""
		}
	}
	if node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}

func child(node *yaml.Node, key string) *yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

func parse(file string, text []byte) (*yaml.Node, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%s: the file has %d bytes, %d are allowed", file, len(text), MaxText)
	}
	in := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, more yaml.Node
	if err := in.Decode(&doc); err != nil || len(doc.Content) == 0 {
		if err == nil || err.Error() == "EOF" {
			return nil, fmt.Errorf("%s:1: the file is empty", file)
		}
		return nil, located(file, &yaml.Node{Line: 1}, err)
	}
	if err := in.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s:%d: a second document: put it into a file of its own", file, more.Line)
	}
	return doc.Content[0], nil
}

// checking compares a document with a type.
type checking struct{ file string }

func (c checking) errorf(at *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", c.file, at.Line, fmt.Sprintf(format, args...))
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

// value checks what stands at a path of keys.
func (c checking) value(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Tag == "!!null" {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return c.scalar(node, t, path)
	}
	switch t.Kind() {
	case reflect.Struct:
		return c.mapping(node, t, path)
	case reflect.Map:
		return c.entries(node, t, path)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return c.errorf(node, "%s must be a list", path)
		}
		for i, item := range node.Content {
			if err := c.value(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	return c.scalar(node, t, path)
}

func (c checking) scalar(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind != yaml.ScalarNode {
		return c.errorf(node, "%s must be %s", path, words(t))
	}
	err := node.Decode(reflect.New(t).Interface())
	var wrong *yaml.TypeError
	switch {
	case errors.As(err, &wrong):
		return c.errorf(node, "%s must be %s", path, words(t))
	case err != nil:
		return c.errorf(node, "%s: %v", path, err)
	}
	return nil
}

func words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	}
	return "a number"
}

func (c checking) mapping(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind != yaml.MappingNode {
		if path == "" {
			return c.errorf(node, "the file must be a map of keys")
		}
		return c.errorf(node, "%s must be a map of keys", path)
	}
	known := fields(t)
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		field, ok := known[key.Value]
		if !ok {
			return c.errorf(key, "unknown key %q%s", join(path, key.Value), Suggest(key.Value, keys(known)))
		}
		if line := seen[key.Value]; line > 0 {
			return c.errorf(key, "%s is stated in line %d, too", join(path, key.Value), line)
		}
		seen[key.Value] = key.Line
		if err := c.value(value, field, join(path, key.Value)); err != nil {
			return err
		}
	}
	return nil
}

func (c checking) entries(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind != yaml.MappingNode {
		return c.errorf(node, "%s must be a map of keys", path)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if err := c.value(node.Content[i+1], t.Elem(), join(path, node.Content[i].Value)); err != nil {
			return err
		}
	}
	return nil
}

func fields(t reflect.Type) map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		known[name] = f.Type
	}
	return known
}

func keys(known map[string]reflect.Type) []string {
	var names []string
	for name := range known {
		names = append(names, name)
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Suggest says which of the known names was probably meant, or which there are:
// the end of a sentence.
func Suggest(name string, known []string) string {
	slices.Sort(known)
	for _, k := range known {
		if near(strings.ToLower(name), strings.ToLower(k), 2) {
			return fmt.Sprintf(", did you mean %q?", k)
		}
	}
	if len(known) == 0 {
		return ""
	}
	return ": there are " + strings.Join(known, ", ")
}

// near says whether at most n letters were added, lost or changed.
func near(a, b string, n int) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case a == b:
		return true
	case n == 0:
		return false
	}
	return a != "" && near(a[1:], b, n-1) || b != "" && near(a, b[1:], n-1) ||
		a != "" && b != "" && near(a[1:], b[1:], n-1)
}

var atLine = regexp.MustCompile(`line (\d+): `)

// located moves the line that the parser names to the front.
func located(file string, node *yaml.Node, err error) error {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " ")
	if m := atLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: %s", file, m[1], strings.Replace(text, m[0], "", 1))
	}
	return fmt.Errorf("%s:%d: %s", file, node.Line, text)
}
