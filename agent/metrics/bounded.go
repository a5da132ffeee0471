package metrics

import (
	"strings"
	"sync"
)

// others stands for all values of a label beyond those that there is room for.
const others = "(others)"

// bounded are the values of a label that people outside choose, such as addresses:
// the first of them count by themselves.
type bounded struct {
	most int

	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func newBounded(most int) *bounded { return &bounded{most: most, seen: map[string]bool{}} }

// of is the value to count for.
func (b *bounded) of(value string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.seen[value]:
		return value
	case len(b.seen) >= b.most:
		return others
	}
	b.seen[value] = true
	return value
}

// maxText is how long the value of a label may be, in bytes: more than any name or
// address that is in use.
const maxText = 512

// clipped is a text that people write into objects, as the value of a label.
func clipped(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
