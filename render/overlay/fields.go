package overlay

import (
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// A pair is a field of an entry as it stands in the text.
type pair struct {
	key, value *yaml.Node
	to         string
	known      bool // one of an image's
}

// kept says that the field will be there.
func (p pair) kept() bool { return !p.known || p.to != "" }

// setFields makes an entry what it is to be.
func (d *document) setFields(item *yaml.Node, to types.Image) error {
	if item.Kind != yaml.MappingNode || item.Anchor != "" {
		return ErrShape
	}
	var pairs []pair
	there := map[string]bool{}
	for i := 0; i+1 < len(item.Content); i += 2 {
		p := pair{key: item.Content[i], value: item.Content[i+1]}
		for _, name := range fields {
			if p.key.Value == name {
				p.known, p.to = true, field(to, name)
			}
		}
		there[p.key.Value] = true
		pairs = append(pairs, p)
	}
	for i, p := range pairs {
		if err := d.setPair(item, pairs, i); err != nil {
			return err
		}
		if p.known && p.kept() {
			if err := d.addAfter(item, p, missing(p.key.Value, there, to), to); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing are the fields that are to be added behind one that is kept: those that
// follow it, up to the next that is there and stays.
func missing(after string, there map[string]bool, to types.Image) (list []string) {
	begun := false
	for _, name := range fields {
		switch {
		case name == after:
			begun = true
		case begun && field(to, name) != "" && there[name]:
			return list
		case begun && field(to, name) != "":
			list = append(list, name)
		}
	}
	return list
}

func (d *document) setPair(item *yaml.Node, pairs []pair, i int) error {
	p := pairs[i]
	switch {
	case !p.kept() && item.Style&yaml.FlowStyle != 0:
		return d.dropFlow(pairs, i)
	case !p.kept():
		return d.dropBlock(pairs, i)
	case !p.known || p.value.Value == p.to:
		return nil
	}
	return d.replace(p.value, p.to, item.Style&yaml.FlowStyle != 0)
}

// addAfter writes fields behind another.
func (d *document) addAfter(item *yaml.Node, p pair, names []string, to types.Image) error {
	end, err := d.end(p.value)
	if err != nil {
		return err
	}
	first := item.Content[0]
	for _, name := range names {
		if item.Style&yaml.FlowStyle != 0 {
			quote := quotes(first.Style&yaml.DoubleQuotedStyle != 0)
			d.insert(end, ", "+written(name, quote, true)+": "+written(field(to, name), quote, true))
			continue
		}
		d.insertLines(d.lineEnd(end), spaces(first.Column-1)+name+": "+written(field(to, name), 0, false)+d.newline)
	}
	return nil
}

// dropFlow takes out a field within braces, and the comma before it or behind it.
func (d *document) dropFlow(pairs []pair, i int) error {
	for _, before := range pairs[:i] {
		if before.kept() {
			begin, err := d.end(pairs[i-1].value)
			if err != nil {
				return err
			}
			end, err := d.end(pairs[i].value)
			d.cut(begin, end, "")
			return err
		}
	}
	d.cut(d.offset(pairs[i].key), d.offset(pairs[i+1].key), "") // the name is behind it
	return nil
}

// dropBlock takes out the line of a field. The first one's has the dash, which the
// next field that is kept gets; comments between the two go above it.
func (d *document) dropBlock(pairs []pair, i int) error {
	begin := d.lineStart(d.offset(pairs[i].key))
	end, err := d.end(pairs[i].value)
	if err != nil {
		return err
	}
	if i > 0 && pairs[i-1].key.Line != pairs[i].key.Line {
		if firstKept(pairs) < i {
			d.cut(begin, d.lineEnd(end), "")
		}
		return nil // else the first one has taken it out
	}
	next := firstKept(pairs)
	at := d.offset(pairs[next].key)
	var comments string
	for n := pairs[0].key.Line; n < pairs[next].key.Line-1; n++ {
		if line := d.line(n); isComment(line) {
			comments += line
		}
	}
	d.cut(begin, at, comments+string(d.text[begin:d.offset(pairs[0].key)]))
	return nil
}

func firstKept(pairs []pair) int {
	for i, p := range pairs {
		if p.kept() {
			return i
		}
	}
	return len(pairs) - 1 // never: an entry keeps its name
}
