package settings

import (
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A place is where an entry stands, and its text.
type place struct {
	name  string
	text  string
	line  int      // the line of the key's value that is before the text
	kinds *pattern // what it is about; nil if all
}

// A pattern names kinds, by globs.
type pattern struct{ group, kind string }

func (p pattern) String() string { return strings.TrimPrefix(p.group+"/"+p.kind, "/") }

func (p pattern) matches(kind schema.GroupKind) bool {
	group, err := path.Match(p.group, kind.Group)
	if err != nil || !group {
		return false
	}
	ok, err := path.Match(p.kind, kind.Kind)
	return err == nil && ok
}

// newPattern reads "group/Kind", or "Kind" of the core group.
func newPattern(text, separator string) (*pattern, error) {
	parts := strings.Split(text, separator)
	p := &pattern{kind: parts[len(parts)-1]}
	if len(parts) == 2 {
		p.group = parts[0]
	}
	if len(parts) > 2 || p.kind == "" {
		return nil, fmt.Errorf("%.80q is neither group%sKind nor Kind", text, separator)
	}
	return p, p.check()
}

func (p pattern) check() error { return checkGlobs(p.group, p.kind) }

func checkGlobs(globs ...string) error {
	for _, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%.80q is no pattern", glob)
		}
	}
	return nil
}

// A lined error knows its line in the text that was read.
type lined struct {
	line int
	text string
}

func (l *lined) Error() string { return l.text }

// problem words an error of the place.
func (p place) problem(err error) Problem {
	found := Problem{Place: p.name, Text: err.Error(), kinds: p.kinds}
	var at *lined
	if errors.As(err, &at) {
		found.Line = p.line + at.line
	}
	return found
}

// decode reads YAML. A field that is not known is an error, for what it was to
// narrow would be in force without it.
func decode(text string, into any) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return worded(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	return nil
}

var (
	atLine  = regexp.MustCompile(`line[: ](\d+)(?:\(column:\d+\))?:? ?(.*)`)
	unknown = regexp.MustCompile(`field (\S+) not found in type .*`)
	goType  = regexp.MustCompile(` into \S+`)
)

// worded takes the line out of an error of the YAML parser, and Go's types.
func worded(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var several *yaml.TypeError
	if errors.As(err, &several) && len(several.Errors) > 0 {
		text = several.Errors[0]
	}
	m := atLine.FindStringSubmatch(text)
	if m == nil {
		return errors.New(text)
	}
	line, err := strconv.Atoi(m[1])
	if err != nil {
		return errors.New(text)
	}
	said := unknown.ReplaceAllString(m[2], "there is no field $1")
	return &lined{line, goType.ReplaceAllString(said, " here")}
}
