package registry

import (
	"bytes"
	"regexp"
)

// A splitter cuts the entries of an index into one piece for each chart, if they
// are laid out as helm repo index does it: below a line "entries:", the names of
// charts indented alike. What it cuts wrongly, such as within a quoted text, does
// not parse by itself; then the index is parsed as a whole.
type splitter struct {
	inside bool // the entries
	indent int  // of the charts' names; 0 before the first
	begun  bool // there was a line
	charts [][]byte
	start  int // of the current chart; -1 for none
}

// topLine is what else may stand at the top: a key and a value that ends there.
var topLine = regexp.MustCompile(`^[A-Za-z]+:( +("[^"\\]*"|'[^']*'|\{\}|[A-Za-z0-9][A-Za-z0-9.:+-]*))?$`)

func splitIndex(data []byte) (charts [][]byte, ok bool) {
	s := splitter{start: -1}
	for at := 0; at < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if !s.line(data, at, bytes.TrimRight(data[at:end], "\r\n ")) {
			return nil, false
		}
		at = end
	}
	s.cut(data, len(data))
	return s.charts, len(s.charts) > 0
}

// line looks at one line, which begins at a position. It reports false if the
// layout is another.
func (s *splitter) line(data []byte, at int, line []byte) bool {
	text := bytes.TrimLeft(line, " ")
	depth := len(line) - len(text)
	first := !s.begun
	s.begun = s.begun || len(text) > 0
	switch {
	case len(text) == 0 || text[0] == '#':
		return true
	case depth == 0:
		return first && string(text) == "---" || s.top(data, at, text)
	case !s.inside:
		return true // of another key
	case s.indent == 0 || depth == s.indent && text[0] != '-':
		s.cut(data, at)
		s.indent, s.start = depth, at
	}
	return depth >= s.indent
}

// top looks at a line without indentation.
func (s *splitter) top(data []byte, at int, text []byte) bool {
	s.cut(data, at)
	s.inside = string(text) == "entries:"
	again := s.inside && s.indent > 0
	return topLine.Match(text) && !again
}

// cut ends the current chart.
func (s *splitter) cut(data []byte, at int) {
	if s.start >= 0 {
		s.charts, s.start = append(s.charts, data[s.start:at]), -1
	}
}
