package appset

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// A pathspec matches files as git ls-files does, which is what Argo CD asks: a star
// matches slashes, and what names a directory means all files in it.
type pathspec struct {
	literal string         // up to the first wildcard
	name    string         // the pattern taken literally
	pattern *regexp.Regexp // nil if it has no wildcard
}

// newPathspec reads a pattern.
func newPathspec(text string) (*pathspec, error) {
	if strings.HasPrefix(text, ":") {
		return nil, failf(ErrGenerator, "%q: pathspecs with a colon are not supported: write a path with * and ?", text)
	}
	name := path.Clean(text)
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return nil, failf(ErrGenerator, "%q leads out of the repository", text)
	}
	i := strings.IndexAny(name, `*?[\`)
	if i < 0 {
		return &pathspec{literal: name, name: name}, nil
	}
	pattern, err := regexp.Compile(wildcards(name))
	if err != nil {
		return nil, failf(ErrGenerator, "%q is no pattern: its brackets", text)
	}
	return &pathspec{literal: name[:i], name: name, pattern: pattern}, nil
}

// wildcards writes a pattern as a regular expression.
func wildcards(glob string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); {
		switch c := glob[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteString(".")
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		case c == '[':
			class, length := bracket(glob[i:])
			b.WriteString(class)
			i += length
			continue
		case c >= 0x80:
			b.WriteByte(c) // a part of a rune
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
		i++
	}
	return b.String() + `\z`
}

// bracket reads a class such as [!a-z[:digit:]]. One that does not end matches nothing.
func bracket(glob string) (class string, length int) {
	i := 1
	var b strings.Builder
	b.WriteString("[")
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		b.WriteString("^")
		i++
	}
	for first := true; i < len(glob) && (glob[i] != ']' || first); first = false {
		named := strings.HasPrefix(glob[i:], "[:")
		end := strings.Index(glob[i:], ":]")
		switch {
		case named && end > 0:
			b.WriteString(glob[i : i+end+2])
			i += end + 2
			continue
		case glob[i] == '\\' && i+1 < len(glob):
			i++
			b.WriteString(member(glob[i]))
		case glob[i] == '[' || glob[i] == ']' || glob[i] == '^':
			b.WriteString(member(glob[i]))
		default:
			b.WriteByte(glob[i])
		}
		i++
	}
	if i >= len(glob) {
		return `[^\x00-\x{10FFFF}]`, len(glob)
	}
	return b.String() + "]", i + 1
}

// member writes a character of a class that stands for itself.
func member(c byte) string {
	if c < 0x80 && strings.ContainsRune(`-[\]^`, rune(c)) {
		return `\` + string(rune(c))
	}
	return string([]byte{c})
}

// match says whether a file is meant.
func (p *pathspec) match(file string) bool {
	if p.name == "." || file == p.name || strings.HasPrefix(file, p.name+"/") {
		return true
	}
	return p.pattern != nil && p.pattern.MatchString(file)
}

// files finds those that match. It looks where the part before the first wildcard
// leads, and nowhere else.
func (p *pathspec) files(tree fs.FS) ([]string, error) {
	root := p.literal
	if p.pattern != nil {
		root = path.Dir(p.literal + "x")
	}
	if _, err := fs.Stat(tree, root); err != nil {
		return nil, nil //nolint:nilerr // what is not there matches nothing
	}
	var names []string
	walked := 0
	err := fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if walked++; walked > maxWalked {
			return failf(ErrLimit, "there are more than %d files below %s", maxWalked, root)
		}
		if !entry.IsDir() && p.match(name) {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}
