package scan

import (
	"bytes"
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
