package notify

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// addresses find URLs, in which receivers like to have tokens: of each the scheme and the
// host are told.
var addresses = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/"']*@)?([^\s/"'?#@]*)[^\s"']*`)

// maxError bounds what is told of a failure, in bytes.
const maxError = 500

// Clean takes what may be secret out of a text that comes from a receiver, or from a
// library that speaks to one.
func (c *Config) Clean(text string) string {
	text = addresses.ReplaceAllString(c.redactor.String(text), "$1$2")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	return strings.TrimSpace(text)
}

// Hide takes the values of the Secret out of a text that is for people.
func (c *Config) Hide(text string) string { return c.redactor.String(text) }

// clean is Clean of an error, of which only the text is left.
func (c *Config) clean(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(c.Clean(err.Error()))
}
