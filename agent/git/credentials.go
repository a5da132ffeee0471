package git

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/crypto/ssh"
)

// Credentials say who we are and whom we trust. The fields are those of Argo
// CD's repository secrets. What must stay secret does not print.
//
// If there are several, the first of these is used: user and password or bearer
// token, GitHub App, Google key, Azure identity; for ssh, key or password.
type Credentials struct {
	Username    string        // "x-access-token" if there is only a password
	Password    secrets.Value // for http(s), and for ssh without a key
	BearerToken secrets.Value // for http(s), instead of user and password
	ForceBasic  bool          // user and password, even if there is a BearerToken

	GitHubApp App
	GoogleKey secrets.Value // JSON, of a service account
	Azure     Azure

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

	// Proxy is the URL of an http, https or socks5 proxy, which may hold a user and
	// a password. Without it the environment's proxies count: HTTPS_PROXY and
	// HTTP_PROXY for http(s), ALL_PROXY for ssh, and NO_PROXY.
	Proxy   secrets.Value
	NoProxy string // hosts that are reached without Proxy, as in NO_PROXY

	// Personal is what a person at the machine has; nil in the agent.
	Personal *Personal
}

// A hiddenField is what must not be shown, and what it is called.
type hiddenField struct {
	name  string
	value secrets.Value
}

// hidden are all fields of credentials that are secret.
func (c Credentials) hidden() []hiddenField {
	return []hiddenField{
		{"password", c.Password},
		{"token", c.BearerToken},
		{"GitHub App", c.GitHubApp.PrivateKey},
		{"Google key", c.GoogleKey},
		{"Azure secret", c.Azure.ClientSecret},
		{"ssh key", c.SSHPrivateKey},
		{"ssh passphrase", c.SSHPassphrase},
		{"client certificate", c.ClientKey},
		{"proxy", c.Proxy},
	}
}

// String says which kinds of credentials there are.
func (c Credentials) String() string {
	var has []string
	for _, field := range c.hidden() {
		if !empty(field.value) {
			has = append(has, field.name)
		}
	}
	return "credentials(" + strings.Join(has, ", ") + ")"
}

// Any reports whether there is anything to get in with.
func (c Credentials) Any() bool {
	return c.Username != "" || !empty(c.Password) || !empty(c.BearerToken) || !empty(c.GitHubApp.PrivateKey) || !empty(c.GoogleKey) ||
		c.Azure.ClientID != "" || c.Azure.WorkloadIdentity || !empty(c.SSHPrivateKey) || len(c.ClientCert) > 0
}

// empty reports whether there is no such credential.
func empty(v secrets.Value) bool { return len(v.Reveal()) == 0 }

// Format, MarshalText and LogValue are String, whatever the verb.
func (c Credentials) Format(s fmt.State, _ rune)   { fmt.Fprint(s, c.String()) }
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c Credentials) LogValue() slog.Value         { return slog.StringValue(c.String()) }

// fingerprint tells credentials apart without showing them.
func (c Credentials) fingerprint(key []byte) string {
	mac := hmac.New(sha256.New, key)
	part := func(text []byte) {
		fmt.Fprintf(mac, "%d:", len(text))
		mac.Write(text)
	}
	for _, field := range c.hidden() {
		part(field.value.Reveal())
	}
	for _, text := range []string{
		c.Username, c.KnownHosts, string(c.CA), string(c.ClientCert), c.NoProxy,
		c.GitHubApp.BaseURL, c.Azure.ClientID, c.Azure.TenantID, c.Azure.Endpoint,
		fmt.Sprint(c.GitHubApp.ID, c.GitHubApp.Installation),
		fmt.Sprint(c.ForceBasic, c.Azure.WorkloadIdentity, c.InsecureIgnoreHostKey, c.InsecureSkipTLS),
		fmt.Sprintf("%p", c.Personal),
	} {
		part([]byte(text))
	}
	return string(mac.Sum(nil))
}

// scrub takes out of a text what a server may have echoed.
func (c Credentials) scrub(text string) string {
	for _, field := range c.hidden() {
		text = scrub(text, c.Username, field.value)
	}
	if u, err := url.Parse(string(c.Proxy.Reveal())); err == nil && u.User != nil {
		password, _ := u.User.Password()
		text = scrub(text, u.User.Username(), secrets.New([]byte(password)))
	}
	return text
}

// scrub takes a secret out of a text, however it may have been written.
func scrub(text, user string, value secrets.Value) string {
	secret := string(value.Reveal())
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(user + ":" + secret)),
		base64.StdEncoding.EncodeToString([]byte(defaultUser + ":" + secret)),
	} {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, form, "(hidden)")
		}
	}
	return text
}

// Personal is how the machine of a person gets in: by what git and ssh have
// there. Its functions are called only when a server asks for more than the other
// credentials.
type Personal struct {
	// Password asks git's helpers for an address; ok is false if they have none.
	Password func(address string) (user string, password secrets.Value, ok bool)
	// Signers are the keys for an ssh host.
	Signers func(user, host string) ([]ssh.Signer, error)
}
