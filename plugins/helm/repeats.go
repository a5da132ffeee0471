package helm

import (
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// maxRepeats bounds what is told of one document.
const maxRepeats = 5

// tellRepeats warns of the keys that stand twice in one map of what a template gave,
// of which helm takes the last in silence. Start is the document's line in the
// template.
func (r *rendering) tellRepeats(t templates, d *rendered, start int) {
	if !d.repeats {
		return
	}
	for i, repeat := range manifest.Repeats([]byte(d.text)) {
		if i == maxRepeats {
			return
		}
		line := t[d.template].lineOf(d, start, repeat)
		r.warn("%s: the key %q stands twice in one map of %s %s, and the last one counts: keep one of them", t.place(d.template, line), repeat.Key, d.head.Kind, d.name())
	}
}

func (d *rendered) name() string {
	if d.head.Metadata == nil {
		return ""
	}
	return d.head.Metadata.Name
}

// lineOf is the line of a template that writes a key: the last one of the document
// that is indented as the key is, and of these the one that reads the same. Without
// any, which is where an include writes the key, it is the document's first.
func (t template) lineOf(d *rendered, start int, repeat manifest.Repeat) int {
	rows := strings.Split(d.text, "\n")
	if repeat.Line > len(rows) {
		return start
	}
	written := rows[repeat.Line-1]
	found, same := 0, 0
	for i, row := range strings.Split(t.text, "\n") {
		line := i + 1
		if line < start {
			continue
		}
		if line > start && strings.HasPrefix(row, "---") {
			break
		}
		if strings.TrimRight(row, " \r") == strings.TrimRight(written, " \r") {
			same = line
		}
		if key, _, ok := strings.Cut(strings.TrimLeft(row, " -"), ":"); ok && strings.Trim(key, `"'`) == repeat.Key && indent(row) == indent(written) {
			found = line
		}
	}
	switch {
	case same > 0:
		return same
	case found > 0:
		return found
	}
	return start
}

func indent(row string) int { return len(row) - len(strings.TrimLeft(row, " -")) }
