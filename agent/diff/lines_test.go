package diff

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	var long []string
	for i := range 100 {
		long = append(long, fmt.Sprint(i))
	}
	for _, tt := range []struct{ name, live, desired, want string }{
		{"single lines", "a", "b", ""},
		{"a change in the middle", "1\n2\n3\n4\n5\n6\n7", "1\n2\n3\nX\n5\n6\n7", " 2| 3|-4|+X| 5| 6"},
		{"an end", "1\n2\n", "1\n2\n3\n", " 1| 2|+3| "},
		{"a beginning", "2\n3", "1\n2\n3", "+1| 2| 3"},
		{"a line twice", "a\na", "a\na\na", " a| a|+a"},
		{"from one line to two", "a", "a\nb", " a|+b"},
		{"tricks", "a\n\x1b[2J", "a\nb", " a|-\\u001b[2J|+b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(lines(tt.live, tt.desired), "|"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := lines(strings.Join(long, "\n"), "x"); len(got) != maxLines+2 {
		t.Errorf("a text of 100 lines shows as %d", len(got))
	}
	if got := lines("a\n"+strings.Repeat("x", 10_000), "a\nb"); len(got[1]) > maxShown+10 {
		t.Errorf("a line of 10,000 bytes shows as %d", len(got[1]))
	}
}

// Of a text with many lines the place of the change is shown, wherever it is.
func TestFieldsByLines(t *testing.T) {
	live := map[string]any{"kind": "ConfigMap", "data": map[string]any{"conf": strings.Repeat("same\n", 100) + "port 80\n"}}
	desired := map[string]any{"kind": "ConfigMap", "data": map[string]any{"conf": strings.Repeat("same\n", 100) + "port 81\n"}}
	fields := Fields(desired, live)
	if got := strings.Join(fields[0].Lines, "|"); got != " same| same|-port 80|+port 81| " {
		t.Errorf("got %q", got)
	}
}
