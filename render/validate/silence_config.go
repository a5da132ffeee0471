package validate

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/plugins/strict"
)

// configuration is a .tidelock.yaml.
type configuration struct {
	Validate struct {
		Ignore []ignored `yaml:"ignore"`
	} `yaml:"validate"`
}

// ignored silences a rule for files, or for one object of them.
type ignored struct {
	Rule   string `yaml:"rule"`
	Path   string `yaml:"path"`
	Object string `yaml:"object"`
	Reason string `yaml:"reason"`
}

// AddConfig reads a .tidelock.yaml:
//
//	validate:
//	  ignore:
//	    - {rule: unknown-field, path: apps/legacy/**, object: Deployment/web, reason: kept for the old operator}
func (s *Silences) AddConfig(file string, text []byte) error {
	var c configuration
	if err := strict.Decode(file, text, &c); err != nil {
		return err
	}
	lines := entryLines(text)
	for i, entry := range c.Validate.Ignore {
		own := &silence{rule: entry.Rule, reason: strings.TrimSpace(entry.Reason), file: entry.Path, object: entry.Object, pattern: true, at: Finding{File: file}}
		if i < len(lines) {
			own.at.Line = lines[i]
		}
		if own.file == "" {
			own.file = "**"
		}
		if !doublestar.ValidatePattern(own.file) {
			return fmt.Errorf("%s:%d: path %q is no pattern", file, own.at.Line, entry.Path)
		}
		s.add(own)
	}
	return nil
}

// entryLines are where the entries of a configuration begin.
func entryLines(text []byte) []int {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	validate := entry(doc.Content[0], "validate")
	if validate == nil {
		return nil
	}
	list := entry(validate, "ignore")
	if list == nil {
		return nil
	}
	var lines []int
	for _, item := range list.Content {
		lines = append(lines, item.Line)
	}
	return lines
}
