package scan

import (
	"bytes"
	"path"
	"regexp"
)

var (
	cipherText = regexp.MustCompile(`ENC\[AES256_GCM,[^\]\n]*\]`)
	ageText    = regexp.MustCompile(`(?s)-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----.*?-----END (AGE ENCRYPTED FILE|PGP MESSAGE)-----`)
	// Sealed items hold an RSA cipher text of 512 bytes at least.
	sealedText = regexp.MustCompile(`[A-Za-z0-9+/]{300,}={0,2}`)
)

// mask puts blanks in the place of what is encrypted, so that no rule takes it
// for a secret. Lines and columns stay.
func mask(data []byte, encrypted bool) []byte {
	var patterns []*regexp.Regexp
	if encrypted {
		patterns = append(patterns, cipherText, ageText)
	}
	if bytes.Contains(data, []byte("SealedSecret")) {
		patterns = append(patterns, sealedText)
	}
	for _, pattern := range patterns {
		data = pattern.ReplaceAllFunc(data, func(match []byte) []byte {
			blank := bytes.Repeat([]byte(" "), len(match))
			for i, c := range match {
				if c == '\n' {
					blank[i] = c
				}
			}
			return blank
		})
	}
	return data
}

// closing is what ends a text in braces or brackets of YAML that has no quotes.
var closing = regexp.MustCompile(`[A-Za-z0-9_+/=-][,}\]]+(?:[ \t\r\n]|$)`)

func isYAML(file string) bool { return path.Ext(file) == ".yaml" || path.Ext(file) == ".yml" }

// unwrapped blanks what follows texts in braces and brackets: gitleaks' rules end at
// blanks and quotes, and know neither {token: abc} nor [--token, abc].
func unwrapped(data []byte) []byte {
	return closing.ReplaceAllFunc(data, func(match []byte) []byte {
		blank := bytes.Clone(match)
		for i, c := range blank {
			if c == ',' || c == '}' || c == ']' {
				blank[i] = ' '
			}
		}
		return blank
	})
}
