package git

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// A Repo is a repository's address and how to get in.
type Repo struct {
	// URL is http(s)://, ssh://, user@host:path, file:// or a path. A user and
	// password in it serve when Credentials have none.
	URL         string
	Credentials Credentials
}

// Credentials say who we are and whom we trust. The fields are those of Argo
// CD's repository secrets. What must stay secret does not print.
type Credentials struct {
	Username    string
	Password    secrets.Value // for http(s), and for ssh without a key
	BearerToken secrets.Value // for http(s), instead of user and password

	SSHPrivateKey secrets.Value // PEM
	SSHPassphrase secrets.Value // of the key, if it is encrypted
	// KnownHosts are lines as in ssh's known_hosts. A host that is not there is
	// refused.
	KnownHosts            string
	InsecureIgnoreHostKey bool

	CA              []byte // PEM, trusted besides the system's
	InsecureSkipTLS bool   // accept any certificate
	ClientCert      []byte // PEM
	ClientKey       secrets.Value
}

// String says which kinds of credentials there are.
func (c Credentials) String() string {
	var has []string
	for _, field := range []struct {
		name  string
		value secrets.Value
	}{{"password", c.Password}, {"token", c.BearerToken}, {"ssh key", c.SSHPrivateKey}, {"client certificate", c.ClientKey}} {
		if len(field.value.Reveal()) > 0 {
			has = append(has, field.name)
		}
	}
	return "credentials(" + strings.Join(has, ", ") + ")"
}

// Format, MarshalText and LogValue are String, whatever the verb.
func (c Credentials) Format(s fmt.State, _ rune)   { fmt.Fprint(s, c.String()) }
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c Credentials) LogValue() slog.Value         { return slog.StringValue(c.String()) }

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
	if r.URL == "" {
		return r, &Error{URL: "repository", Kind: ErrRepository, What: "the address is empty"}
	}
	if !strings.Contains(r.URL, "://") || strings.HasPrefix(r.URL, "file://") {
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
	if password, ok := u.User.Password(); ok && len(c.Password.Reveal()) == 0 {
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

// fingerprint tells credentials apart without showing them.
func (c Credentials) fingerprint(key []byte) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{
		[]byte(c.Username), c.Password.Reveal(), c.BearerToken.Reveal(),
		c.SSHPrivateKey.Reveal(), c.SSHPassphrase.Reveal(), []byte(c.KnownHosts),
		c.CA, c.ClientCert, c.ClientKey.Reveal(),
		fmt.Append(nil, c.InsecureIgnoreHostKey, c.InsecureSkipTLS),
	} {
		fmt.Fprintf(mac, "%d:", len(part))
		mac.Write(part)
	}
	return string(mac.Sum(nil))
}

// scrub takes out of a text what a server may have echoed.
func (c Credentials) scrub(text string) string {
	password, token := string(c.Password.Reveal()), string(c.BearerToken.Reveal())
	for _, secret := range []string{
		password, token, url.QueryEscape(password), url.PathEscape(password),
		base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + password)),
	} {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "(hidden)")
		}
	}
	return text
}
