package sealed

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// An edit gives one scalar of a file another value.
type edit struct {
	key, value *yaml.Node
	flow       bool // within braces, as JSON is
	to         string
}

// splice puts the new values into the text, and leaves every other byte. It is
// false where that does not make the document that is meant, which is looked at
// afterwards: a scalar may be written in more ways than are known here.
func splice(text []byte, edits []edit) ([]byte, bool) {
	lines := starts(text)
	slices.SortFunc(edits, func(a, b edit) int { return offset(text, lines, b.value) - offset(text, lines, a.value) })
	out := slices.Clone(text)
	for _, e := range edits {
		begin := offset(text, lines, e.value)
		end, ok := e.end(text, lines, begin)
		if !ok {
			return nil, false
		}
		out = slices.Replace(out, begin, end, []byte(e.written())...)
	}
	return out, meant(text, out, edits)
}

// starts are the offsets at which lines begin.
func starts(text []byte) []int {
	lines := []int{0}
	for i, c := range text {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// offset is where a node begins; columns count characters.
func offset(text []byte, lines []int, node *yaml.Node) int {
	at := lines[min(node.Line-1, len(lines)-1)]
	for range node.Column - 1 {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// quote is how the value is quoted, "" if it is plain or a block.
func (e edit) quote() string {
	switch {
	case e.value.Style&yaml.DoubleQuotedStyle != 0:
		return `"`
	case e.value.Style&yaml.SingleQuotedStyle != 0:
		return "'"
	}
	return ""
}

// written is the new value as it stands in the file. Base64 needs no escapes.
func (e edit) written() string { return e.quote() + e.to + e.quote() }

// end is where the old value ends: on its line, or with the last line that is
// indented deeper than the key.
func (e edit) end(text []byte, lines []int, begin int) (int, bool) {
	old := e.quote() + e.value.Value + e.quote()
	if bytes.HasPrefix(text[begin:], []byte(old)) && e.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return begin + len(old), true
	}
	if e.flow || e.key.Line > e.value.Line {
		return 0, false
	}
	last := e.value.Line // the number of the line after, from 0
	for n := last; n < len(lines); n++ {
		line := strings.TrimRight(string(lineAt(text, lines, n)), "\r\n")
		content := strings.TrimLeft(line, " ")
		if content == "" {
			continue
		}
		if len(line)-len(content) < e.key.Column {
			break
		}
		last = n + 1
	}
	end := len(text)
	if last < len(lines) {
		end = lines[last]
	}
	return len(bytes.TrimRight(text[:end], "\r\n")), true
}

func lineAt(text []byte, lines []int, n int) []byte {
	if n+1 < len(lines) {
		return text[lines[n]:lines[n+1]]
	}
	return text[lines[n]:]
}

// meant says that a text is the old one but for the values that were to change.
func meant(old, text []byte, edits []edit) bool {
	was, err := documents(old)
	if err != nil {
		return false
	}
	is, err := documents(text)
	if err != nil || len(was) != len(is) {
		return false
	}
	to := map[string]string{}
	for _, e := range edits {
		to[e.value.Value] = e.to
	}
	for i := range was {
		if !reflect.DeepEqual(replaced(was[i], to), is[i]) {
			return false
		}
	}
	return true
}

func documents(text []byte) (all []any, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var one any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

// replaced exchanges texts, which stand for themselves: no two things sealed are
// alike.
func replaced(value any, to map[string]string) any {
	switch v := value.(type) {
	case string:
		if text, ok := to[v]; ok {
			return text
		}
	case []any:
		for i := range v {
			v[i] = replaced(v[i], to)
		}
	case map[string]any:
		for key := range v {
			v[key] = replaced(v[key], to)
		}
	}
	return value
}
