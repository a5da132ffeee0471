// Package reach says whom a SOPS file may have somebody ask: who writes the file
// chooses the address, and the login is another's.
package reach

import (
	"net/url"
	"regexp"
	"strings"
)

var vaultKey = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// VaultKey says whether an engine's path and a key's name are such as Vault has.
// They become parts of an address, and must not lead elsewhere.
func VaultKey(engine, name string) bool {
	return vaultKey.MatchString(engine) && vaultKey.MatchString(name) && !strings.Contains(name, "/")
}

// Origin reads an address without a path, of the form https://host:port. What it
// returns has a port, too.
func Origin(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, err
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port == "" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, url.InvalidHostError(u.Host)
	}
	if u.Port() == "" {
		u.Host += ":" + port
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}
