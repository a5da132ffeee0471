package project

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gobwas/glob"
)

// maxPattern bounds a pattern, in bytes. The longest names that patterns stand for are
// URLs, and no server takes longer ones.
const maxPattern = 4096

// A pattern is a glob over names, with a leading ! for denial.
//
// Argo CD's globs are those of gobwas/glob 0.2.3. Ours is its 1.1: the same language,
// without the panics and the wrong answers of the former, as of {a*,a}b.
type pattern struct {
	glob *glob.Pattern
	deny bool
	// any is set for the lone *, which matches across separators.
	any bool
}

// newPattern compiles a glob in which * does not match the separators.
func newPattern(text string, separators ...rune) (pattern, error) {
	text, deny := strings.CutPrefix(text, "!")
	if deny && text == "*" {
		return pattern{}, errors.New("!* denies everything: leave the entry out")
	}
	compiled, err := newGlob(text, separators...)
	return pattern{glob: compiled, deny: deny, any: text == "*"}, err
}

// literal returns the pattern of one name.
func literal(name string) pattern {
	return pattern{glob: glob.MustCompile(glob.QuoteMeta(name))}
}

func newGlob(text string, separators ...rune) (*glob.Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	return glob.Compile(text, separators...)
}

// matches reports a match as Argo CD counts it: a denial matches all that it does not
// deny, and so permits it.
func (p pattern) matches(name string) bool {
	return p.any || p.glob.Match(name) != p.deny
}

// denies reports whether the pattern is a denial, and of this name.
func (p pattern) denies(name string) bool { return p.deny && !p.matches(name) }

// A word is a pattern of the lists of kinds. Those are read by path.Match: no braces, no
// denials, and * matches no slash.
type word struct {
	text string
	// plain is set if the word has no wildcards.
	plain bool
}

func newWord(text string) (word, error) {
	if len(text) > maxPattern {
		return word{}, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	_, err := path.Match(text, "")
	return word{text: text, plain: !strings.ContainsAny(text, `*?[\`)}, err
}

func (w word) matches(name string) bool {
	if w.plain {
		return w.text == name
	}
	ok, err := path.Match(w.text, name)
	return ok && err == nil
}
