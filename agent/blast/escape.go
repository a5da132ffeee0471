package blast

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes a text show in Markdown as it is, in a table or in a <code> too:
// whatever might mean anything to Markdown, or to HTML, becomes a character
// reference, and what does not print a code point. It neither ends what it stands in nor
// begins anything.
func escape(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			b.WriteRune(utf8.RuneError)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "&#92;u%04x", r)
		case r > unicode.MaxASCII || unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ,/-", r) && i > 0:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// code shows a text as code, in which nobody is mentioned and nothing is linked.
func code(text string) string { return "<code>" + escape(text) + "</code>" }

// fence puts lines into a code block that none of them can end.
func fence(language string, lines []string) string {
	longest, run := 2, 0
	for _, line := range lines {
		for _, r := range line {
			if run++; r != '`' {
				run = 0
			}
			longest = max(longest, run)
		}
		run = 0
	}
	mark := strings.Repeat("`", longest+1)
	var b strings.Builder
	b.WriteString(mark + language + "\n")
	for _, line := range lines {
		b.WriteString(flat(line) + "\n")
	}
	b.WriteString(mark + "\n")
	return b.String()
}

// flat is a line in which nothing is but what prints.
func flat(line string) string {
	var b strings.Builder
	for _, r := range line {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
