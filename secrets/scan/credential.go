package scan

import (
	"regexp"
	"strings"
)

var (
	// credentialName are the names of values that are secrets. Those of files, headers
	// and times of life end otherwise.
	credentialName = regexp.MustCompile(`(?i)(^|[-_.])(pass(word|wd|phrase)|token|api[-_.]?key|secret[-_.]?key|private[-_.]?key|access[-_.]?key|client[-_.]?secret|credentials?)$`)
	digit          = regexp.MustCompile(`[0-9]`)
	// withPassword are URLs that log in.
	withPassword = regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s:/@]+:([^\s/@]+)@`)
)

// Credential says whether a value with a name is most likely a secret: it is called
// one, and is no word, path, address or reference; or it is a URL with a password.
func Credential(name, value string) bool {
	for _, m := range withPassword.FindAllStringSubmatch(value, -1) {
		if !Placeholder(m[1]) && !strings.ContainsAny(m[1], "$<{(*") {
			return true
		}
	}
	const least = 8
	value = strings.TrimSpace(value)
	return credentialName.MatchString(name) && len(value) >= least && digit.MatchString(value) &&
		!strings.ContainsAny(value, " \t\n/$<{") && !strings.Contains(value, "://") && !Placeholder(value)
}
