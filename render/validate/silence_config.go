package validate

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/tidelock-io/tidelock/plugins/strict"
)

// configuration is a .tidelock.yaml.
type configuration struct {
	Validate struct {
		Ignore   []ignored `yaml:"ignore"`
		External []string  `yaml:"external"` // see ReadExternals
		Policies []string  `yaml:"policies"` // see ReadPolicies
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
	lines := entryLines(text, "ignore")
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
