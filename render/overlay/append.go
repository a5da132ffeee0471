package overlay

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Item is to be one of a list: a mapping, by its keys and values in their order, or
// a text, which has the key "".
type Item [][2]string

// Append puts an item at the end of a list that is not empty.
func (p Path) Append(text []byte, item Item) ([]byte, error) {
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	list, err := p.list(doc.root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if err := doc.appendItem(list, item); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	changed := doc.spliced()
	if !p.appended(text, changed, item) {
		return nil, fmt.Errorf("%s: %w", p, ErrShape)
	}
	return changed, nil
}

// list finds one that has items.
func (p Path) list(node *yaml.Node) (*yaml.Node, error) {
	for _, s := range p.steps {
		if node = s.from(node); node == nil {
			return nil, ErrNoValue
		}
	}
	if node.Kind != yaml.SequenceNode || node.Anchor != "" || len(node.Content) == 0 {
		return nil, ErrShape
	}
	return node, nil
}

// appendItem writes the item in the form of the one before.
func (d *document) appendItem(list *yaml.Node, item Item) error {
	last := list.Content[len(list.Content)-1]
	end, err := d.end(last)
	if err != nil {
		return err
	}
	if list.Style&yaml.FlowStyle != 0 {
		d.insert(end, ", "+item.flow())
		return nil
	}
	indent := spaces(list.Column - 1)
	if last.Style&yaml.FlowStyle != 0 {
		d.insertLines(d.lineEnd(end), indent+"- "+item.flow()+d.newline)
		return nil
	}
	var lines strings.Builder
	dash := "- "
	for _, pair := range item {
		lines.WriteString(indent + dash)
		if pair[0] != "" {
			lines.WriteString(pair[0] + ": ")
		}
		lines.WriteString(written(pair[1], 0, false) + d.newline)
		dash = "  "
	}
	d.insertLines(d.lineEnd(end), lines.String())
	return nil
}

// flow is the item within braces.
func (i Item) flow() string {
	var pairs []string
	for _, pair := range i {
		if pair[0] == "" {
			return written(pair[1], 0, true)
		}
		pairs = append(pairs, pair[0]+": "+written(pair[1], 0, true))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// node is the item as a file has it.
func (i Item) node() *yaml.Node {
	text := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value} }
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, pair := range i {
		if pair[0] == "" {
			return text(pair[1])
		}
		node.Content = append(node.Content, text(pair[0]), text(pair[1]))
	}
	return node
}

// appended says that a text is the old one but for the item.
func (p Path) appended(old, text []byte, item Item) bool {
	was, err := parse(old)
	if err != nil {
		return false
	}
	list, err := p.list(was.root)
	if err != nil {
		return false
	}
	list.Content = append(list.Content, item.node())
	var want, got any
	if was.root.Decode(&want) != nil || yaml.Unmarshal(text, &got) != nil {
		return false
	}
	return reflect.DeepEqual(got, want)
}
