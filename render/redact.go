package render

import (
	"bytes"
	"regexp"
)

// A redactor takes what was decrypted out of messages. A renderer sees plain
// text, and its complaints may quote it, shortened or in part.
type redactor []opened

// opened is a file in both forms. What the encrypted one shows is public: keys,
// comments, metadata.
type opened struct{ cipher, plain []byte }

func (r *redactor) add(cipher, plain []byte) {
	*r = append(*r, opened{cipher, plain})
}

// word is what is hidden or shown as one. Shorter ones give nothing away.
var word = regexp.MustCompile(`[^\s"'` + "`" + `:,;=\\(){}\[\]<>]{3,}`)

// clean hides every word of text that stands in a decrypted file and does not
// stand in its encrypted form.
func (r redactor) clean(text string) string {
	if len(r) == 0 {
		return text
	}
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if r.secret([]byte(w)) {
			return "(hidden)"
		}
		return w
	})
}

// secret tells a word to hide. Printers shorten with dots, which are no part of
// a value.
func (r redactor) secret(w []byte) bool {
	for _, form := range [][]byte{w, bytes.TrimRight(w, ".…")} {
		if len(form) < 3 {
			continue
		}
		for _, s := range r {
			if bytes.Contains(s.plain, form) && !bytes.Contains(s.cipher, form) {
				return true
			}
		}
	}
	return false
}
