package manifest

import (
	"bytes"
	"testing"
)

// FuzzSplit: documents lie in the text one after the other, each at the line that
// it says; none has a separator in it; nothing but separators, comments,
// directives and blanks lies between them.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("\ufeff%YAML 1.1\n--- # c\na: 1\n...\n\n# d\nb: 2\n---\n"))
	f.Add([]byte("---a\n--- b\r\n---\r\n....\n---\t|\n x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		end := 0
		check := func(to int) {
			for row := range bytes.Lines(text[end:to]) {
				row = bytes.TrimPrefix(row, []byte("\ufeff"))
				if !isMarker(row, "---") && !isMarker(row, "...") && !blank(row) && row[0] != '%' {
					t.Fatalf("split(%q) loses %q", text, row)
				}
			}
		}
		for _, d := range split(text) {
			start := cap(text) - cap(d.text)
			if start < end || !bytes.Equal(text[start:start+len(d.text)], d.text) {
				t.Fatalf("split(%q): %q is out of order", text, d.text)
			}
			if line := bytes.Count(text[:start], []byte("\n")); line != d.line {
				t.Fatalf("split(%q): %q is at line %d, not %d", text, d.text, line, d.line)
			}
			first := true
			for row := range bytes.Lines(d.text) {
				if !first && (isMarker(row, "---") || isMarker(row, "...")) {
					t.Fatalf("split(%q): a separator in %q", text, d.text)
				}
				first = false
			}
			check(start)
			end = start + len(d.text)
		}
		check(len(text))
	})
}
