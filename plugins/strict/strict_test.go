package strict_test

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/strict"
)

type config struct {
	Name  string            `yaml:"name"`
	Count int               `yaml:"count"`
	On    *bool             `yaml:"on"`
	Env   map[string]string `yaml:"env"`
	Paths []string          `yaml:"paths"`
	Deep  struct {
		FileName string `yaml:"fileName"`
	} `yaml:"deep"`
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"all", "name: a\ncount: 3\non: true\nenv: {A: b}\npaths: [x]\ndeep: {fileName: f}\n", ""},
		{"nothing said", "name:\npaths:\ndeep:\n", ""},
		{"an alias", "name: &a x\npaths: [*a, *a]\n", ""},
		{"a misspelt key", "naem: a\n", `f.yaml:1: unknown key "naem", did you mean "name"?`},
		{"a misspelt key below", "deep:\n  filename: b\n", `f.yaml:2: unknown key "deep.filename", did you mean "fileName"?`},
		{"a foreign key", "entrypoint: b\n", `f.yaml:1: unknown key "entrypoint": there are count, deep, env, name, on, paths`},
		{"twice", "name: a\nname: b\n", `f.yaml:2: name is stated in line 1, too`},
		{"no number", "name: a\ncount: many\n", `f.yaml:2: count must be a number`},
		{"no list", "paths: x\n", `f.yaml:1: paths must be a list`},
		{"no text", "paths: [{a: b}]\n", `f.yaml:1: paths[0] must be a text`},
		{"no switch", "on: perhaps\n", `f.yaml:1: on must be true or false`},
		{"no map", "deep: [x]\n", `f.yaml:1: deep must be a map of keys`},
		{"a list", "- a\n", `f.yaml:1: the file must be a map of keys`},
		{"empty", "# nothing\n", `f.yaml:1: the file is empty`},
		{"malformed", "name: a\n\tcount: 1\n", `f.yaml:2: found a tab character that violates indentation`},
		{"two documents", "name: a\n---\nname: b\n", `f.yaml:2: a second document: put it into a file of its own`},
		{"too long", "name: " + strings.Repeat("x", strict.MaxText), `f.yaml: the file has 1048582 bytes, 1048576 are allowed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c config
			got := ""
			if err := strict.Decode("f.yaml", []byte(tt.text), &c); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("decoding %.60q\ngot  %s\nwant %s", tt.text, got, tt.want)
			}
		})
	}
}

func TestPeek(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"metadata: {name: a}\nnonsense: 1\n", "a"},
		{"metadata: [a]\n", ""},
		{"metadata: {name: {}}\n", ""},
		{"\t", ""},
	} {
		if got := strict.Peek([]byte(tt.text), "metadata", "name"); got != tt.want {
			t.Errorf("peeking into %q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("name: a\ncount: 3\non: true\nenv: {A: b}\npaths: [x]\ndeep: {fileName: f}\n")
	f.Add("a: &a [*a]\n")
	f.Add("- \xff\n---\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c config
		if err := strict.Decode("f.yaml", []byte(text), &c); err != nil && !strings.HasPrefix(err.Error(), "f.yaml:") {
			t.Errorf("decoding %q: the error says no file: %v", text, err)
		}
		_ = strict.Peek([]byte(text), "name")
	})
}
