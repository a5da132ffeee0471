// Package redact takes known plain texts out of other texts: of errors before
// they reach a log, an event or a status.
//
// Start with [New]. It is the last line of defence, not the first: what makes
// an error should quote no value to begin with.
package redact

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// minLength is the length in bytes from which a text is taken out. Shorter ones
// are part of too many words.
const minLength = 8

// mask stands where a text was.
const mask = "(hidden)"

// A Redactor takes the texts it knows out of others, however they are written:
// as they are, in base64, hex, JSON or a URL, whole or a line of several. The
// zero Redactor knows none.
type Redactor struct{ replacer *strings.Replacer }

// New returns a Redactor that knows values.
func New(values ...secrets.Value) Redactor {
	var known []string
	for _, value := range values {
		for _, text := range append(bytes.Split(value.Reveal(), []byte("\n")), value.Reveal()) {
			known = append(known, spellings(bytes.TrimSpace(text))...)
		}
	}
	if len(known) == 0 {
		return Redactor{}
	}
	slices.SortFunc(known, func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b)) // the longest match first
	})
	var pairs []string
	for _, text := range slices.Compact(known) {
		pairs = append(pairs, text, mask)
	}
	return Redactor{strings.NewReplacer(pairs...)}
}

// spellings are the ways to write text.
func spellings(text []byte) []string {
	if len(text) < minLength {
		return nil
	}
	quoted, err := json.Marshal(string(text))
	if err != nil {
		return nil // a string always marshals
	}
	encoded := hex.EncodeToString(text)
	return []string{
		string(text),
		string(quoted[1 : len(quoted)-1]),
		base64.RawStdEncoding.EncodeToString(text),
		base64.RawURLEncoding.EncodeToString(text),
		encoded, strings.ToUpper(encoded),
		url.QueryEscape(string(text)), url.PathEscape(string(text)),
	}
}

// String returns text without what r knows.
func (r Redactor) String(text string) string {
	if r.replacer == nil {
		return text
	}
	return r.replacer.Replace(text)
}

// Error returns err with its text redacted. errors.Is works as before; the
// error itself, which still has the text, cannot be reached. It returns err
// itself if there is nothing to take out.
func (r Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	if text := r.String(err.Error()); text != err.Error() {
		return &redacted{text, err}
	}
	return err
}

// redacted hides the text of an error and keeps its kind.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string        { return r.text }
func (r *redacted) Is(target error) bool { return errors.Is(r.err, target) }
