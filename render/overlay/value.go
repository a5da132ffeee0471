package overlay

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Errors of values.
var (
	ErrNoValue   = errors.New("it is not there")
	ErrNoScalar  = errors.New("it is no single value: name one of those below it")
	ErrEncrypted = errors.New("the file is encrypted with SOPS, whose code covers its values: use tidelock secrets edit")
)

// A Path names a value of a file: replicas[name=api].count, image.tag or
// list[0].
type Path struct {
	text  string
	steps []step
}

// A step goes to a key of a mapping, or to an item of a list: that of a number,
// or the one whose key has a value.
type step struct {
	key, value string
	item       bool
}

var aStep = regexp.MustCompile(`^(?:\.?((?:[^.\[\]\\=]|\\.)+)|\[([0-9]+)\]|\[([^=\[\]]+)=([^\[\]]+)\])`)

// ParsePath reads a path. A dot within a key has a backslash before it.
func ParsePath(text string) (Path, error) {
	p := Path{text: text}
	for rest := text; rest != ""; {
		m := aStep.FindStringSubmatch(rest)
		if m == nil || (len(p.steps) == 0) == strings.HasPrefix(rest, ".") && m[1] != "" {
			return Path{}, fmt.Errorf("%q is no path, such as image.tag, list[0] or replicas[name=api].count", text)
		}
		switch {
		case m[1] != "":
			p.steps = append(p.steps, step{key: strings.ReplaceAll(m[1], `\.`, ".")})
		case m[2] != "":
			p.steps = append(p.steps, step{key: m[2], item: true})
		default:
			p.steps = append(p.steps, step{key: m[3], value: m[4], item: true})
		}
		rest = rest[len(m[0]):]
	}
	if len(p.steps) == 0 {
		return Path{}, errors.New("an empty path names nothing")
	}
	return p, nil
}

func (p Path) String() string { return p.text }

func (p Path) find(node *yaml.Node) (*yaml.Node, error) {
	for _, s := range p.steps {
		if node = s.from(node); node == nil {
			return nil, ErrNoValue
		}
	}
	if node.Kind != yaml.ScalarNode {
		return nil, ErrNoScalar
	}
	return node, nil
}

func (s step) from(node *yaml.Node) *yaml.Node {
	if !s.item {
		_, value := lookup(node, s.key)
		return value
	}
	if node.Kind != yaml.SequenceNode {
		return nil
	}
	if s.value == "" {
		if n, err := strconv.Atoi(s.key); err == nil && n < len(node.Content) {
			return node.Content[n]
		}
		return nil
	}
	for _, item := range node.Content {
		if _, value := lookup(item, s.key); value != nil && value.Kind == yaml.ScalarNode && value.Value == s.value {
			return item
		}
	}
	return nil
}

// Has says whether a file has a value.
func (p Path) Has(text []byte) (bool, error) {
	doc, err := parse(text)
	if err != nil {
		return false, err
	}
	switch _, err := p.find(doc.root); {
	case errors.Is(err, ErrNoValue):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", p, err)
	}
	return true, nil
}

// Copy gives a value of one file to another, which has one there already.
func (p Path) Copy(from, to []byte) ([]byte, error) {
	source, err := parse(from)
	if err != nil {
		return nil, err
	}
	doc, err := parse(to)
	if err != nil {
		return nil, err
	}
	if key, _ := lookup(doc.root, "sops"); key != nil {
		return nil, ErrEncrypted
	}
	value, err := p.find(source.root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	old, err := p.find(doc.root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if err := doc.copyValue(old, value); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	changed := doc.spliced()
	if !p.meant(to, changed, value) {
		return nil, fmt.Errorf("%s: %w", p, ErrShape)
	}
	return changed, nil
}

func (d *document) copyValue(old, value *yaml.Node) error {
	if old.Value == value.Value && old.Tag == value.Tag {
		return nil
	}
	if value.Tag == "!!str" {
		return d.replace(old, value.Value, true)
	}
	end, err := d.end(old)
	if err != nil {
		return err
	}
	d.cut(d.offset(old), end, value.Value)
	return nil
}

// meant says that a text is the old one but for the value.
func (p Path) meant(old, text []byte, value *yaml.Node) bool {
	was, err := parse(old)
	if err != nil {
		return false
	}
	node, err := p.find(was.root)
	if err != nil {
		return false
	}
	node.Value, node.Tag, node.Style = value.Value, value.Tag, value.Style
	var want, got any
	if was.root.Decode(&want) != nil || yaml.Unmarshal(text, &got) != nil {
		return false
	}
	return reflect.DeepEqual(got, want)
}
