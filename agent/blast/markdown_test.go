package blast

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var hash = regexp.MustCompile(`approve: [0-9a-f]{12}`)

// hostile are values and names of what means something to Markdown, to HTML, or to a
// terminal.
const hostile = "-- before/shop --\n" + `apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data:
  same: x
  a: plain
  text: |
    one
    two
` + "-- after/shop --\n" + `apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data:
  same: x
  a: "` + "```\\n</details><script>alert(1)</script>| a | b |\\e[31mred @everyone #1 <!-- [x](javascript:y)" + `"
  "k` + "````" + `|<b>": "\u202Eevil"
  text: |
    one
    ` + "`````" + `
    </details>
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "a|b` + "`" + `<img>"}
---
apiVersion: example.com/v1
kind: "<Script>@octocat"
metadata: {name: "*_~[]()#!"}
`

func TestMarkdownIsHarmless(t *testing.T) {
	got := Of(pairsOf(t, hostile), noon).Markdown(DefaultSize)
	golden(t, "testdata/hostile.md", got)
	checkMarkdown(t, got)
}

// tags are those that are ours.
var tags = regexp.MustCompile(`</?(details|summary|code)>`)

// checkMarkdown reads a comment as CommonMark does: blocks of code, which a fence of
// as many backticks ends, and the rest, in which nothing may be but what is ours.
func checkMarkdown(t testing.TB, text string) {
	t.Helper()
	open, fenceMark := 0, ""
	for n, line := range strings.Split(text, "\n") {
		marks := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fenceMark != "":
			if marks >= len(fenceMark) && strings.Trim(line, "` ") == "" {
				if line != fenceMark {
					t.Errorf("line %d: a value ends its block: %q", n, line)
				}
				fenceMark = ""
			}
			continue
		case marks >= 3:
			fenceMark = line[:marks]
			continue
		}
		open += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		rest := tags.ReplaceAllString(line, "")
		rest = strings.ReplaceAll(rest, "`tidelock diff`", "")
		if strings.ContainsAny(rest, "<>`@[]\\\"'_~") {
			t.Errorf("line %d: %q", n, line)
		}
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 6 {
			t.Errorf("line %d: %d cells: %q", n, strings.Count(line, "|"), line)
		}
	}
	if open != 0 || fenceMark != "" {
		t.Errorf("%d sections and the block %q are open at the end", open, fenceMark)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) {
		t.Error("something in it does not print")
	}
}

// A comment is as long as is allowed, whole at its end, and says what is cut.
func TestMarkdownIsBounded(t *testing.T) {
	var in strings.Builder
	for i := range 120 {
		fmt.Fprintf(&in, "-- before/app-%03d --\n%s-- after/app-%03d --\n%s%s", i, configMap("a", "1"), i, configMap("a", strings.Repeat("`", 200)), configMap("b", "1"))
	}
	r := Of(pairsOf(t, in.String()), noon)
	for _, size := range []int{2000, 5000, 20_000, DefaultSize} {
		got := r.Markdown(size)
		if len(got) > size {
			t.Errorf("%d bytes, allowed are %d", len(got), size)
		}
		if len(got) < size*3/4 {
			t.Errorf("%d bytes, and there was room for %d", len(got), size)
		}
		if !strings.Contains(got, "This comment is cut: ") {
			t.Errorf("it does not say that it is cut: %s", got)
		}
		checkMarkdown(t, got)
	}
	if got := Of(nil, noon).Markdown(2000); !strings.Contains(got, "No object differs.") {
		t.Errorf("got %s", got)
	}
}

// FuzzEscape: whatever a text is, it shows as what of it prints, and is nothing else.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "a|b", "``` </details>", "\x1b[31m\u202e", "- [ ] @a", "&lt;", "1. x", "a\nb", "\xff\xfe", "www.example.com https://a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := escape(text)
		if shown, want := html.UnescapeString(got), flat(text); utf8.ValidString(text) && shown != want {
			t.Errorf("%q shows as %q, not as %q", text, shown, want)
		}
		if strings.ContainsAny(references.ReplaceAllString(got, ""), "&<>|`*_~[]()\\\"'@#!:.{}=+\n\r\x1b") {
			t.Errorf("%q is %q", text, got)
		}
		block := fence("diff", strings.Split(text, "\n"))
		checkMarkdown(t, block)
		checkMarkdown(t, "- "+code(text)+"\n")
	})
}

var references = regexp.MustCompile(`&#\d+;`)
