package keyring

import (
	"net/url"
	"regexp"
	"strings"
)

// An address is where credentials may go: to this scheme, host and port, and to
// this path or what is below it. Unlike git.SameRepo it does not take two ports
// or two schemes for one, for behind another port may be another server, and
// http shows what it is given to everybody on the way.
type address struct{ scheme, host, path string }

var defaultPorts = map[string]string{"https": "443", "http": "80", "ssh": "22"}

// parseAddress reads a URL, ssh's short form user@host:path, or a path. It
// reports false for what cannot be compared safely: a path that climbs.
func parseAddress(text string) (address, bool) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") {
		return address{"file", "", strings.TrimSuffix(text, "/")}, !climbs(text)
	}
	if !strings.Contains(text, "://") {
		text = withScheme(text)
	}
	u, err := url.Parse(text)
	if err != nil || climbs(u.Path) {
		return address{}, false
	}
	if u.Scheme == "oci" {
		u.Scheme = "https" // by which registries are spoken to
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != defaultPorts[u.Scheme] {
		host += ":" + port
	}
	path := strings.ToLower(strings.Trim(u.Path, "/"))
	return address{u.Scheme, host, strings.Trim(strings.TrimSuffix(path, ".git"), "/")}, true
}

// port is what follows a host, and is no path of ssh.
var port = regexp.MustCompile(`^[0-9]{1,5}(/|$)`)

// withScheme completes git@host:path, host/path and host:port.
func withScheme(text string) string {
	host, path, ok := strings.Cut(text, ":")
	if ok && !port.MatchString(path) && !strings.Contains(host, "/") && (strings.Contains(host, "@") || !strings.Contains(path, "/")) {
		return "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	return "https://" + text
}

func climbs(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == ".." {
			return true
		}
	}
	return false
}

// sameAddress reports whether credentials for one address may go to another.
func sameAddress(a, b string) bool {
	x, ok := parseAddress(a)
	y, ok2 := parseAddress(b)
	return ok && ok2 && x == y
}

// below reports whether an address is prefix, or lies below it. Whole segments
// are compared, for credentials must not reach an owner whose name only begins
// alike.
func below(text, prefix string) bool {
	a, ok := parseAddress(text)
	p, ok2 := parseAddress(prefix)
	return ok && ok2 && a.scheme == p.scheme && a.host == p.host &&
		(p.path == "" || a.path == p.path || strings.HasPrefix(a.path, p.path+"/"))
}

// depth tells a longer prefix of an address from a shorter one, however they are
// written.
func depth(prefix string) int {
	a, _ := parseAddress(prefix)
	return len(a.path)
}
