package git

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// A Repo is a repository's address, how to get in, and how to read it.
type Repo struct {
	// URL is http(s)://, ssh://, user@host:path, file:// or a path. A user and
	// password in it serve when Credentials have none.
	URL         string
	Credentials Credentials
	// Fault says why what is known of the repository cannot be used, such as a
	// Secret with a mistake in it. All that is asked of the repository ends with it.
	Fault string
	// TagPrefix is what tags must begin with that a version constraint chooses from.
	// The constraint sees the rest of their names.
	TagPrefix string
	// Depth is how many commits are fetched of each branch that is asked for; 0 is
	// one. What needs more history fetches all of it.
	Depth int
	// LFS fetches the files that are kept by Git LFS when they are read.
	LFS bool
	// Modules reaches submodules; nil refuses to read them.
	Modules *Modules
}

// String is the address without user and password.
func (r Repo) String() string { return redact(r.URL) }

// Format, MarshalText and LogValue are String, whatever the verb.
func (r Repo) Format(s fmt.State, _ rune)   { fmt.Fprint(s, r.String()) }
func (r Repo) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r Repo) LogValue() slog.Value         { return slog.StringValue(r.String()) }

// normal moves what may be secret from the address to the credentials, so that
// nothing that prints an address prints it.
func (r Repo) normal() (Repo, error) {
	r.URL = strings.TrimSpace(r.URL)
	switch {
	case r.URL == "":
		return r, &Error{URL: "repository", Kind: ErrRepository, What: "the address is empty"}
	case r.Fault != "":
		return r, &Error{URL: redact(r.URL), Kind: ErrAuth, What: r.Fault}
	case !strings.Contains(r.URL, "://") || strings.HasPrefix(r.URL, "file://"):
		return r, nil
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return r, &Error{URL: redact(r.URL), Kind: ErrRepository, What: "the address is not a URL"}
	}
	if u.User == nil {
		return r, nil
	}
	c := &r.Credentials
	if password, ok := u.User.Password(); ok && empty(c.Password) {
		c.Password = secrets.New([]byte(password))
	}
	if strings.HasSuffix(u.Scheme, "ssh") {
		u.User = url.User(u.User.Username()) // which is part of the address, mostly "git"
	} else {
		c.Username = cmp.Or(c.Username, u.User.Username())
		u.User = nil // which may be a token
	}
	r.URL = u.String()
	return r, nil
}
