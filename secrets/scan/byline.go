package scan

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	secretLine = regexp.MustCompile(`^kind:[ \t]*["']?Secret["']?[ \t]*(#.*)?$`)
	dataLine   = regexp.MustCompile(`^(data|stringData):[ \t]*(#.*)?$`)
	entryLine  = regexp.MustCompile(`^[ \t]+["']?([A-Za-z0-9._-]+)["']?:[ \t]+["']?([^"'#]*[^"'# \t])["']?[ \t]*(#.*)?$`)
)

// byLine reads what is no YAML, such as the template of a chart: values that
// stand in one line, below data and stringData of a Secret.
func (c *collector) byLine() {
	first := 0
	for i, line := range c.lines {
		if bytes.HasPrefix(line, []byte("---")) {
			c.document(first, c.lines[first:i])
			first = i + 1
		}
	}
	c.document(first, c.lines[first:])
}

func (c *collector) document(first int, lines [][]byte) {
	field, secret := "", false
	type entry struct {
		line        int
		item, value string
		encoded     bool
	}
	var entries []entry
	for i, raw := range lines {
		line := bytes.TrimRight(raw, "\r")
		if match := dataLine.FindSubmatch(line); match != nil {
			field = string(match[1])
			continue
		}
		if len(line) > 0 && line[0] != ' ' && line[0] != '\t' && line[0] != '#' && line[0] != '{' {
			field = ""
		}
		secret = secret || secretLine.Match(line)
		if match := entryLine.FindSubmatch(line); match != nil && field != "" {
			entries = append(entries, entry{line: first + i + 1, item: string(match[1]), value: string(match[2]), encoded: field == "data"})
		}
	}
	if !secret {
		return
	}
	for _, e := range entries {
		if strings.Contains(e.value, "{{") || strings.HasPrefix(e.value, "|") || strings.HasPrefix(e.value, ">") {
			continue
		}
		c.add(secretRule, e.item, plainOf(e.value, e.encoded), e.line, &yaml.Node{Value: e.value, Line: e.line, Column: 1})
	}
}
