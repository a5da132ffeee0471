package manifest

import (
	"bytes"
	"strings"
)

type document struct {
	text []byte
	line int // lines before it
}

// split cuts text into its YAML documents, at lines that begin with "---" or
// are "...". What follows "---" on its line belongs to the document after it.
// Directives and leading comments are left out, so that a document's line is
// that of its first content. The documents share text's memory.
func split(text []byte) []document {
	s := splitter{text: bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))}
	for s.pos < len(s.text) {
		s.row()
	}
	s.end(len(s.text))
	return s.docs
}

type splitter struct {
	text []byte
	pos  int // start of the row that is read
	line int // rows before pos
	docs []document

	open      bool // whether a document has begun, at start and startLine
	start     int
	startLine int
}

func (s *splitter) row() {
	next := len(s.text)
	if n := bytes.IndexByte(s.text[s.pos:], '\n'); n >= 0 {
		next = s.pos + n + 1
	}
	row := s.text[s.pos:next]
	switch {
	case isMarker(row, "---"):
		s.end(s.pos)
		if rest := row[3:]; !blank(rest) {
			s.begin(s.pos + 3)
		}
	case isMarker(row, "..."):
		s.end(s.pos)
	case !s.open && !blank(row) && row[0] != '%':
		s.begin(s.pos)
	}
	s.pos = next
	s.line++
}

func (s *splitter) begin(at int) { s.open, s.start, s.startLine = true, at, s.line }

func (s *splitter) end(at int) {
	if s.open {
		s.docs = append(s.docs, document{s.text[s.start:at], s.startLine})
	}
	s.open = false
}

// isMarker says whether row is marker, alone or followed by white space.
func isMarker(row []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(row, []byte(marker))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// blank says whether row is empty or a comment.
func blank(row []byte) bool {
	row = bytes.TrimSpace(row)
	return len(row) == 0 || row[0] == '#'
}
