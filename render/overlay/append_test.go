package overlay

import (
	"errors"
	"testing"
)

func TestAppend(t *testing.T) {
	place := Item{{"server", "https://kubernetes.default.svc"}, {"namespace", "*-dev"}}
	for _, tt := range []struct {
		name, path, text string
		item             Item
		want             string
	}{
		{
			"below the last one", "spec.destinations", "spec:\n  destinations: # where to\n    - server: a\n      namespace: b # the only one\n\n  # kinds\n  kinds: [x]\n", place,
			"spec:\n  destinations: # where to\n    - server: a\n      namespace: b # the only one\n    - server: https://kubernetes.default.svc\n      namespace: '*-dev'\n\n  # kinds\n  kinds: [x]\n",
		},
		{
			"not indented", "spec.destinations", "spec:\n  destinations:\n  - server: a\n  other: 1", place,
			"spec:\n  destinations:\n  - server: a\n  - server: https://kubernetes.default.svc\n    namespace: '*-dev'\n  other: 1",
		},
		{"at the end of a file without one", "a", "a:\n- x", Item{{"", "y: z"}}, "a:\n- x\n- 'y: z'"},
		{"items in braces", "a", "a:\n  - {server: x}\n", place, "a:\n  - {server: x}\n  - {server: \"https://kubernetes.default.svc\", namespace: '*-dev'}\n"},
		{"all in braces", "a.b", "a: {b: [{server: x}], c: 1}\n", place, "a: {b: [{server: x}, {server: \"https://kubernetes.default.svc\", namespace: '*-dev'}], c: 1}\n"},
		{"texts in brackets", "a", "a: [x]\n", Item{{"", "https://x.example.com/a.git"}}, "a: [x, \"https://x.example.com/a.git\"]\n"},
		{"with the ends of another system", "a", "a:\r\n- x\r\nb: 1\r\n", Item{{"", "z"}}, "a:\r\n- x\r\n- z\r\nb: 1\r\n"},
		{"what would be no text", "a", "a:\n- x\n", Item{{"", "true"}}, "a:\n- x\n- \"true\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := path.Append([]byte(tt.text), tt.item)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

func TestAppendRefused(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       error
	}{
		{"no such list", "b: 1\n", ErrNoValue},
		{"a list without items", "a: []\n", ErrShape},
		{"no list", "a: {b: 1}\n", ErrShape},
		{"a list that others are", "a: &x [y]\nb: *x\n", ErrShape},
		{"an end that cannot be told", "a:\n- |\n  text\n", ErrShape},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := ParsePath("a")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := path.Append([]byte(tt.text), Item{{"", "z"}}); !errors.Is(err, tt.want) {
				t.Errorf("got %q, %v, want %v", got, err, tt.want)
			}
		})
	}
}
