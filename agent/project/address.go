package project

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// An address is a repository's URL in the form in which patterns see it.
type address struct {
	// text is compared. It may hold credentials.
	text string
	// shown is for messages: without passwords and queries.
	shown string
	// plain is unset if the address cannot be parsed, or if it holds dot segments, so that
	// a server may read it as another one than a pattern does.
	plain bool
}

// maxAddress bounds an address, in bytes.
const maxAddress = 4096

// sshForm is the short or long form of an SSH address, as Argo CD recognizes it.
var sshForm = regexp.MustCompile(`^(ssh://)?[^/:]*?@[^@]+$`)

// normalize applies the rule of Argo CD's NormalizeGitURL (util/git/git.go): lower case,
// the first colon of an SSH address is a slash, no ".git" at the end, no "ssh://" at the
// beginning, everything else as package net/url prints it. Patterns are normalized by the
// same rule, so a brace in a path becomes %7B.
func normalize(repository string) address {
	text := strings.ToLower(strings.TrimSpace(repository))
	if len(text) > maxAddress {
		return address{shown: "an address longer than any server takes"}
	}
	if sshForm.MatchString(text) && !strings.HasPrefix(text, "ssh://") {
		text = "ssh://" + strings.Replace(text, ":", "/", 1)
	}
	u, err := url.Parse(strings.TrimSuffix(text, ".git"))
	if err != nil {
		return address{shown: "an address that is not a URL"}
	}
	return address{
		text:  strings.TrimPrefix(u.String(), "ssh://"),
		shown: shown(withoutSecrets(u)),
		plain: !hasDotSegment(u.Path + u.Opaque),
	}
}

// Address is a repository's URL in the one spelling that Argo CD has for it, without
// what may be secret; "" if it is none.
func Address(repository string) string {
	if a := normalize(repository); a.text != "" {
		return a.shown
	}
	return ""
}

func hasDotSegment(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool {
		return segment == "." || segment == ".."
	})
}

// withoutSecrets prints a URL without what may be one: passwords, queries and, but for
// SSH, users, for a token may stand in their place.
func withoutSecrets(u *url.URL) string {
	if u.Opaque != "" {
		return u.Scheme + ":…"
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.Scheme == "ssh" && u.User.Username() != "" {
		bare.User = url.User(u.User.Username())
	}
	return strings.TrimPrefix(bare.String(), "ssh://")
}
