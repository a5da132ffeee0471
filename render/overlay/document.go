package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A document is a text with what is to be spliced into it.
type document struct {
	text    []byte
	lines   []int // where they begin
	newline string
	root    *yaml.Node
	splices []splice
}

type splice struct {
	begin, end int
	text       string
}

// parse reads a file of one document, which is a mapping.
func parse(text []byte) (*document, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var node, second yaml.Node
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has several documents, where one is due")
	}
	d := &document{text: text, lines: []int{0}, newline: "\n", root: node.Content[0]}
	if d.root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: it is no mapping", d.root.Line)
	}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if bytes.Contains(text, []byte("\r\n")) {
		d.newline = "\r\n"
	}
	return d, nil
}

// lookup finds a key of a mapping.
func lookup(node *yaml.Node, name string) (key, value *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// offset is where a node begins; columns count characters.
func (d *document) offset(node *yaml.Node) int {
	at := d.lines[min(node.Line-1, len(d.lines)-1)]
	for range node.Column - 1 {
		_, size := utf8.DecodeRune(d.text[at:])
		at += size
	}
	return at
}

// end is where a node ends: a scalar on its line, a mapping with its last value.
func (d *document) end(node *yaml.Node) (int, error) {
	switch {
	case node.Anchor != "" || node.Kind == yaml.AliasNode || node.Style&yaml.TaggedStyle != 0:
		return 0, ErrShape
	case node.Kind == yaml.ScalarNode:
		return d.scalarEnd(node)
	case len(node.Content) == 0:
		return 0, ErrShape
	}
	end, err := d.end(node.Content[len(node.Content)-1])
	if err != nil || node.Style&yaml.FlowStyle == 0 {
		return end, err
	}
	rest := d.text[end:]
	closing := bytes.IndexAny(rest, "}]")
	if closing < 0 || len(bytes.Trim(rest[:closing], ", \r\n")) > 0 {
		return 0, ErrShape
	}
	return end + closing + 1, nil
}

var quoted = regexp.MustCompile(`^("(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\n]|'')*')`)

func (d *document) scalarEnd(node *yaml.Node) (int, error) {
	begin := d.offset(node)
	rest := d.text[begin:]
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		if text := quoted.Find(rest); text != nil {
			return begin + len(text), nil
		}
	case bytes.HasPrefix(rest, []byte(node.Value)) && node.Value != "":
		return begin + len(node.Value), nil
	}
	return 0, ErrShape
}

func (d *document) lineStart(at int) int { return bytes.LastIndexByte(d.text[:at], '\n') + 1 }

// lineEnd is where the next line begins.
func (d *document) lineEnd(at int) int {
	if i := bytes.IndexByte(d.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.text)
}

// line is a line, counted from 0, with its end.
func (d *document) line(n int) string { return string(d.text[d.lines[n]:d.lineEnd(d.lines[n])]) }

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

// indent is what the lists of this file have before their dashes.
func (d *document) indent() string {
	for _, node := range d.root.Content {
		if node.Kind == yaml.SequenceNode && node.Style&yaml.FlowStyle == 0 {
			return spaces(node.Column - 1)
		}
	}
	return ""
}

func spaces(n int) string { return strings.Repeat(" ", n) }

func (d *document) cut(begin, end int, text string) {
	d.splices = append(d.splices, splice{begin, end, text})
}

func (d *document) insert(at int, text string) { d.cut(at, at, text) }

// insertLines puts lines where one begins, or behind the last one, which may lack
// its end; then so does the new last one.
func (d *document) insertLines(at int, lines string) {
	if at == len(d.text) && at > 0 && d.text[at-1] != '\n' {
		lines = d.newline + strings.TrimSuffix(lines, d.newline)
	}
	d.insert(at, lines)
}

// replace gives a scalar another value, quoted as it was.
func (d *document) replace(node *yaml.Node, value string, flow bool) error {
	end, err := d.end(node)
	if err != nil {
		return err
	}
	var quote byte
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quote = d.text[d.offset(node)]
	}
	d.cut(d.offset(node), end, written(value, quote, flow))
	return nil
}

// spliced is the text with all that is to be in it.
func (d *document) spliced() []byte {
	slices.SortStableFunc(d.splices, func(a, b splice) int {
		if a.begin != b.begin {
			return a.begin - b.begin
		}
		return a.end - b.end
	})
	var out []byte
	at := 0
	for _, s := range d.splices {
		out = append(append(out, d.text[at:max(at, s.begin)]...), s.text...)
		at = max(at, s.end)
	}
	return append(out, d.text[at:]...)
}

// bare is what needs no quotes within braces.
var bare = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// written is a value as it stands in a file. A plain one gets quotes if it would
// be something else than text.
func written(value string, quote byte, flow bool) string {
	switch quote {
	case '"':
		text, _ := json.Marshal(value) // a string always can be
		return string(text)
	case '\'':
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	plain, err := yaml.Marshal(value)
	text := strings.TrimSuffix(string(plain), "\n")
	if err != nil || strings.Contains(text, "\n") || (flow && !bare.MatchString(text) && text[0] != '"' && text[0] != '\'') {
		return written(value, '"', flow)
	}
	return text
}

func quotes(json bool) byte {
	if json {
		return '"'
	}
	return 0
}
