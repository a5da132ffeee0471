package git

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// scpLike is SSH's short form: user@host:path.
var scpLike = regexp.MustCompile(`^(?:([^@/:]+)@)?([^/:@]{2,}):([^/].*|/.*)$`)

// Normalize returns one spelling for all the ways to write a repository's
// address: scheme, user, default ports, SSH's ports and alternative hosts
// ("ssh.", "altssh."), a trailing ".git" and case do not matter. Paths on disk
// keep their case.
//
// The rules are Argo CD's for webhooks; two addresses of equal Normalize may
// still be two servers, so no credential may follow from it.
func Normalize(address string) string {
	host, path := split(address)
	return host + path
}

// SameRepo reports whether two addresses mean the same repository as far as a
// webhook can tell: like Normalize, and ports do not matter at all.
func SameRepo(a, b string) bool {
	hostA, pathA := split(a)
	hostB, pathB := split(b)
	return pathA == pathB && withoutPort(hostA) == withoutPort(hostB)
}

// Host is the server of a repository's address; "" for one on this machine.
func Host(address string) string {
	host, _ := split(address)
	return host
}

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// split returns host (with a port that matters) and path, normalised.
func split(address string) (host, path string) {
	address = strings.TrimSpace(address)
	if local, ok := localPath(address); ok {
		return "", strings.TrimSuffix(filepath.ToSlash(local), ".git")
	}
	if !strings.Contains(address, "://") {
		if m := scpLike.FindStringSubmatch(address); m != nil {
			return sshHost(m[2]), normalPath(m[3])
		}
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", strings.ToLower(address)
	}
	host = strings.ToLower(u.Host)
	switch {
	case strings.HasSuffix(u.Scheme, "ssh"):
		host = sshHost(u.Hostname())
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		host = strings.ToLower(u.Hostname())
	}
	return host, normalPath(u.Path)
}

func sshHost(host string) string {
	host = strings.ToLower(host)
	for _, alias := range []string{"ssh.", "altssh."} {
		if rest, ok := strings.CutPrefix(host, alias); ok && strings.Contains(rest, ".") {
			return rest
		}
	}
	return host
}

func normalPath(path string) string {
	path = strings.ToLower(strings.Trim(path, "/"))
	return "/" + strings.TrimRight(strings.TrimSuffix(path, ".git"), "/")
}

// localPath returns the path of a file URL or of a plain path.
func localPath(address string) (string, bool) {
	if rest, ok := strings.CutPrefix(address, "file://"); ok {
		if path, err := url.PathUnescape(rest); err == nil {
			rest = path
		}
		return filepath.Clean(rest), strings.HasPrefix(rest, "/")
	}
	if filepath.IsAbs(address) || strings.HasPrefix(address, "./") || strings.HasPrefix(address, "../") {
		abs, err := filepath.Abs(address)
		return abs, err == nil
	}
	return "", false
}

// redact returns an address without user and password, for messages.
func redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	authority, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if slash {
		path = "/" + path
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path = path[:i] // a query may be a token
	}
	return scheme + "://" + authority + path
}
