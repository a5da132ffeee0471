package file

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/config"
	"go.yaml.in/yaml/v3"
)

// RulesFile is where SOPS looks for rules: in the directory of a file, or in one
// above.
const RulesFile = ".sops.yaml"

// maxRules bounds the bytes of a .sops.yaml.
const maxRules = 1 << 20

// Rules are those of one .sops.yaml. A nil *Rules has none.
type Rules struct {
	dir    string // of the .sops.yaml; paths are matched from there
	text   []byte
	stores *config.StoresConfig
	paths  []*regexp.Regexp // of the creation rules; nil for any path
}

// ParseRules reads a .sops.yaml that lies in dir, a path with slashes like those
// of the files.
func ParseRules(dir string, text []byte) (*Rules, error) {
	at := path.Join(dir, RulesFile)
	if len(text) > maxRules {
		return nil, fmt.Errorf("%s: it has more than %d bytes", at, maxRules)
	}
	var listed struct {
		CreationRules []struct {
			PathRegex string `yaml:"path_regex"`
		} `yaml:"creation_rules"`
	}
	if err := yaml.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", at, ErrMalformed, err)
	}
	r := &Rules{dir: dir, text: text}
	for i, rule := range listed.CreationRules {
		var pattern *regexp.Regexp
		if rule.PathRegex != "" {
			var err error
			if pattern, err = regexp.Compile(rule.PathRegex); err != nil {
				return nil, fmt.Errorf("%s: creation_rules[%d].path_regex: %w", at, i, err)
			}
		}
		r.paths = append(r.paths, pattern)
	}
	err := r.onDisk(func(name string) (err error) {
		r.stores, err = config.LoadStoresConfig(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return r, nil
}

// onDisk shows the text to SOPS' own parser, which reads files only. Nothing in
// a .sops.yaml is secret.
func (r *Rules) onDisk(use func(name string) error) error {
	dir, err := os.MkdirTemp("", "tidelock-rules-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, RulesFile)
	if err := os.WriteFile(name, r.text, 0o600); err != nil {
		return err
	}
	return use(name)
}

func (r *Rules) layout() *config.StoresConfig {
	if r == nil || r.stores == nil {
		return defaultLayout
	}
	return r.stores
}

// Path is where the rules stand.
func (r *Rules) Path() string { return path.Join(r.dir, RulesFile) }

// A Rule is the creation rule that is for a file: for whom and which part.
type Rule struct {
	Part Part
	// ByPath says that the rule has a path_regex, and is not for every file.
	ByPath    bool
	groups    []sops.KeyGroup
	threshold int
}

// Recipients lists for whom the rule encrypts.
func (r *Rule) Recipients() []Recipient { return recipients(r.groups) }

// ErrNoRule says that no creation rule is for a file.
var ErrNoRule = errors.New("no creation rule is for it")

// For returns the rule for a file: the first whose path_regex matches its path
// from the directory of the .sops.yaml, as with SOPS.
func (r *Rules) For(name string) (*Rule, error) {
	if r == nil {
		return nil, fmt.Errorf("%s: %w: there is no %s in its directory or above", name, ErrNoRule, RulesFile)
	}
	below := strings.TrimPrefix(name, strings.TrimSuffix(r.dir, "/")+"/")
	for _, pattern := range r.paths {
		if pattern == nil || pattern.MatchString(below) {
			return r.load(name, below, pattern != nil)
		}
	}
	return nil, fmt.Errorf("%s: %w in %s", name, ErrNoRule, r.Path())
}

func (r *Rules) load(name, below string, byPath bool) (*Rule, error) {
	var c *config.Config
	err := r.onDisk(func(file string) (err error) {
		c, err = config.LoadCreationRuleForFile(file, below, map[string]*string{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: the rule for %s: %w", r.Path(), name, err)
	}
	rule := &Rule{ByPath: byPath, groups: c.KeyGroups, threshold: c.ShamirThreshold}
	rule.Part = partOf(sops.Metadata{
		UnencryptedSuffix: c.UnencryptedSuffix, EncryptedSuffix: c.EncryptedSuffix,
		UnencryptedRegex: c.UnencryptedRegex, EncryptedRegex: c.EncryptedRegex,
		UnencryptedCommentRegex: c.UnencryptedCommentRegex, EncryptedCommentRegex: c.EncryptedCommentRegex,
		MACOnlyEncrypted: c.MACOnlyEncrypted,
	})
	return rule, nil
}
