package diff

import (
	"slices"
	"strings"
)

// Limits on a text that is shown by its lines.
const (
	maxLines = 40 // of either text
	margin   = 2  // lines of what is the same, before and after
)

// Lines shows two texts of several lines as a unified diff does: what is between
// their common beginning and their common end, with a margin. It is nil if either
// is a single line, for which the values themselves are shown.
func lines(live, desired string) []string {
	a, b := strings.Split(live, "\n"), strings.Split(desired, "\n")
	if len(a) < 2 && len(b) < 2 {
		return nil
	}
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	end := len(a) - tail
	return slices.Concat(
		marked(" ", a[max(0, head-margin):head]),
		marked("-", a[head:end]), marked("+", b[head:len(b)-tail]),
		marked(" ", a[end:min(len(a), end+margin)]),
	)
}

// marked puts a mark before each line, and bounds them.
func marked(mark string, texts []string) (all []string) {
	for i, text := range texts {
		if i == maxLines {
			return append(all, mark+"…")
		}
		all = append(all, mark+clipped(text))
	}
	return all
}
