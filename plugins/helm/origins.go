package helm

import (
	"regexp"
	"strings"
)

var (
	kindLine = regexp.MustCompile(`(?m)^kind:[ \t]*["']?([\w.-]+)`)
	nameLine = regexp.MustCompile(`(?m)^  name:[ \t]*(\S+)`)
)

// line finds where in a template a document starts: at the part between "---"
// lines that has its kind. If several have, it is the one that has its name, or
// the nth, as seen counts; 1 if that cannot be told.
func (t template) line(d *rendered, seen map[string]int) int {
	kind := d.head.Kind
	nth := seen[d.template+"\x00"+kind]
	seen[d.template+"\x00"+kind]++
	var parts []part
	for _, p := range t.parts() {
		if m := kindLine.FindStringSubmatch(p.text); m != nil && m[1] == kind {
			parts = append(parts, p)
		}
	}
	switch len(parts) {
	case 0:
		return 1
	case 1:
		return parts[0].start()
	}
	if m := nameLine.FindStringSubmatch(d.text); m != nil {
		for _, p := range parts {
			if own := nameLine.FindStringSubmatch(p.text); own != nil && own[1] == m[1] {
				return p.start()
			}
		}
	}
	if nth < len(parts) {
		return parts[nth].start()
	}
	return 1
}

// A part is what lies between two "---" lines of a template.
type part struct {
	line int // of its first
	text string
}

func (t template) parts() []part {
	parts := []part{{line: 1}}
	line := 0
	for row := range strings.Lines(t.text) {
		line++
		if strings.HasPrefix(row, "---") {
			parts = append(parts, part{line: line + 1})
			continue
		}
		parts[len(parts)-1].text += row
	}
	return parts
}

// start is the line of the part's first field.
func (p part) start() int {
	line := p.line
	for row := range strings.Lines(p.text) {
		if strings.HasPrefix(row, "apiVersion:") || strings.HasPrefix(row, "kind:") {
			return line
		}
		line++
	}
	return p.line
}
