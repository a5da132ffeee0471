// Package definition reads Argo CD's plugin.yaml, a ConfigManagementPlugin, as
// it is (SEMANTICS.md 2.10).
//
// Start with [Parse].
package definition

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tidelock-io/tidelock/plugins/strict"
)

// Kind is that of the file.
const Kind = "ConfigManagementPlugin"

// A Definition is what a plugin.yaml states.
type Definition struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   Metadata `yaml:"metadata"`
	Spec       Spec     `yaml:"spec"`
}

// Metadata names the plugin. Labels and annotations mean nothing.
type Metadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Spec is what the plugin does.
type Spec struct {
	Version          string     `yaml:"version"`
	Init             Command    `yaml:"init"`
	Generate         Command    `yaml:"generate"`
	Discover         Discover   `yaml:"discover"`
	Parameters       Parameters `yaml:"parameters"`
	PreserveFileMode bool       `yaml:"preserveFileMode"`
	ProvideGitCreds  bool       `yaml:"provideGitCreds"`
	// These mean nothing since plugins have copies of the repository: each call
	// has its own here, too.
	AllowConcurrency *bool `yaml:"allowConcurrency"`
	LockRepo         *bool `yaml:"lockRepo"`
}

// A Command is a program and its arguments, none if empty.
type Command struct {
	Command []string `yaml:"command"`
	Args    []string `yaml:"args"`
}

// Argv is the command line.
func (c Command) Argv() []string { return append(c.Command[:len(c.Command):len(c.Command)], c.Args...) }

// Discover says which directories are the plugin's: the first rule that is
// stated counts.
type Discover struct {
	FileName string `yaml:"fileName"`
	Find     Find   `yaml:"find"`
}

// Find looks below the directory.
type Find struct {
	Glob    string   `yaml:"glob"`
	Command []string `yaml:"command"`
	Args    []string `yaml:"args"`
}

// Configured says whether there is any rule.
func (d Discover) Configured() bool {
	return d.FileName != "" || d.Find.Glob != "" || len(d.Find.Command) > 0
}

// Asks is the command that decides, nil if another rule does.
func (d Discover) Asks() []string {
	if d.FileName != "" || d.Find.Glob != "" {
		return nil
	}
	return Command{d.Find.Command, d.Find.Args}.Argv()
}

// Parameters are announced to people; they set nothing.
type Parameters struct {
	Static  []Announcement `yaml:"static"`
	Dynamic Command        `yaml:"dynamic"`
}

// An Announcement is a parameter that the plugin knows.
type Announcement struct {
	Name           string            `yaml:"name"`
	Title          string            `yaml:"title"`
	Tooltip        string            `yaml:"tooltip"`
	Required       bool              `yaml:"required"`
	ItemType       string            `yaml:"itemType"`
	CollectionType string            `yaml:"collectionType"`
	String         string            `yaml:"string"`
	Array          []string          `yaml:"array"`
	Map            map[string]string `yaml:"map"`
}

// Parse reads a plugin.yaml. Errors begin with "FILE:LINE: " or "FILE: ".
func Parse(file string, text []byte) (*Definition, error) {
	d := &Definition{}
	if err := strict.Decode(file, text, d); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// ID is what the plugin is called by: its name, and its version if it has one.
func (d *Definition) ID() string {
	if d.Spec.Version == "" {
		return d.Metadata.Name
	}
	return d.Metadata.Name + "-" + d.Spec.Version
}

// Warnings say what is stated and not done.
func (d *Definition) Warnings() []string {
	var all []string
	if d.Spec.ProvideGitCreds {
		all = append(all, "spec.provideGitCreds: credentials are never given to a plugin: what it fetches must be public, or be a source of the Application")
	}
	if len(d.Spec.Parameters.Dynamic.Command) > 0 {
		all = append(all, "spec.parameters.dynamic: the command announces parameters to Argo CD's page and is not run")
	}
	return all
}

// nameable is what Argo CD makes the name of a socket of.
var nameable = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func (d *Definition) check() error {
	switch {
	case d.Kind != Kind:
		return fmt.Errorf("kind is %q, want %s", d.Kind, Kind)
	case d.APIVersion != "argoproj.io/v1alpha1":
		return fmt.Errorf("apiVersion is %q, want argoproj.io/v1alpha1", d.APIVersion)
	case d.Metadata.Name == "":
		return errors.New("metadata.name is missing")
	case !nameable.MatchString(d.ID()) || len(d.ID()) > 63:
		return fmt.Errorf("metadata.name and spec.version make %q: want letters, digits, dots and dashes, 63 at most", d.ID())
	case len(d.Spec.Generate.Command) == 0:
		return errors.New("spec.generate.command is missing")
	}
	return errors.Join(
		CheckGlob("spec.discover.fileName", d.Spec.Discover.FileName),
		CheckGlob("spec.discover.find.glob", d.Spec.Discover.Find.Glob),
	)
}

// maxGlob bounds the length of a pattern, and so the work of matching it.
const maxGlob = 1 << 10

// CheckGlob refuses a pattern that is malformed, or leads out of the directory.
func CheckGlob(field, pattern string) error {
	clean := path.Clean(pattern)
	switch {
	case pattern == "":
		return nil
	case len(pattern) > maxGlob:
		return fmt.Errorf("%s: the pattern is longer than %d", field, maxGlob)
	case !doublestar.ValidatePattern(pattern):
		return fmt.Errorf("%s: %q is no pattern", field, pattern)
	case path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../"):
		return fmt.Errorf("%s: %q leads out of the directory", field, pattern)
	}
	return nil
}
