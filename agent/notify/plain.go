package notify

import (
	"fmt"
	"strings"
	"unicode"
)

// Limits of what a message says of one thing, and of how many.
const (
	maxText  = 300 // characters
	maxLines = 15
)

// harmless takes the meaning out of what chats and browsers read as markup: elements and
// Slack's references, links, and mentions of everybody.
var harmless = strings.NewReplacer(
	"<", "‹", ">", "›", "](", "] (",
	"@all", "@\u2060all", "@here", "@\u2060here", "@channel", "@\u2060channel", "@everyone", "@\u2060everyone",
)

// plain is a text that others have written, on one line and without markup.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	text = harmless.Replace(strings.TrimSpace(text))
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText]) + "…"
	}
	return text
}

// listed writes texts one a line, and how many more there are.
func listed(texts []string) string {
	var b strings.Builder
	for i, text := range texts {
		if i == maxLines {
			fmt.Fprintf(&b, "\n… and %d more", len(texts)-maxLines)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("- " + plain(text))
	}
	return b.String()
}
