package git

import "net/http"

// What follows is lent to agent/registry, which reaches servers that are not
// Git's with the same credentials.

// Transport reaches servers as the repository's owner says: by which proxy, whom
// to trust, and with which certificate. It shows no password or token.
func (c Credentials) Transport() (*http.Transport, error) { return c.transport() }

// Fingerprint tells credentials apart without showing them.
func (c Credentials) Fingerprint(key []byte) string { return c.fingerprint(key) }

// Scrub takes out of a text what a server may have echoed.
func (c Credentials) Scrub(text string) string { return c.scrub(text) }

// Parted returns the repository with what may be secret moved from its address to
// its credentials.
func (r Repo) Parted() (Repo, error) { return r.normal() }

// Redact returns an address without user, password and query, for messages.
func Redact(address string) string { return redact(address) }

// Remote says that an address is not one of this machine's disk.
func Remote(address string) bool {
	_, local := localPath(address)
	return !local
}

// Plain returns the text of a foreign error as it is fit for a message: one line,
// without control characters, and not too long.
func Plain(err error) string { return plain(err) }

// Because makes the error one of a context's, too, for errors.Is.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}
