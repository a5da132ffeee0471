package destinations

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/keyring"
)

// Limits on what a Secret of a cluster may hold.
const (
	maxConfig     = 256 << 10
	maxName       = 253
	maxServer     = 2048
	maxNamespaces = 500
)

// ErrSecret says that the Secret of a cluster cannot be made use of.
var ErrSecret = errors.New("the Secret of the cluster")

// A login is what a Secret says of how to get in. Its texts are secret.
type login struct {
	Username           string      `json:"username"`
	Password           string      `json:"password"`
	BearerToken        string      `json:"bearerToken"`
	TLS                tlsLogin    `json:"tlsClientConfig"`
	AWS                *struct{}   `json:"awsAuthConfig"`
	Exec               *execConfig `json:"execProviderConfig"`
	ProxyURL           string      `json:"proxyUrl"`
	DisableCompression bool        `json:"disableCompression"`

	proxy            *url.URL
	ca, cert, key    []byte
	server           *url.URL
	bounds           cluster.Bounds
	secret, notActed string
}

type tlsLogin struct {
	Insecure   bool   `json:"insecure"`
	ServerName string `json:"serverName"`
	CAData     string `json:"caData"`
	CertData   string `json:"certData"`
	KeyData    string `json:"keyData"`
}

// An execConfig is a program that logs in.
type execConfig struct {
	Command     string            `json:"command"`
	Args        []string          `json:"args"`
	Env         map[string]string `json:"env"`
	APIVersion  string            `json:"apiVersion"`
	InstallHint string            `json:"installHint"`
}

// Program is what the Secret of a cluster has run to log in, "" if nothing.
func Program(s keyring.ClusterSecret) string {
	var config login
	if json.Unmarshal(s.Config.Reveal(), &config) != nil || config.Exec == nil {
		return ""
	}
	return config.Exec.Command
}

// anonymous says that there is nothing to log in with.
func (l *login) anonymous() bool {
	return l.Username == "" && l.Password == "" && l.BearerToken == "" && l.Exec == nil && len(l.cert) == 0
}

// readSecret reads how to reach a cluster. Its error names the Secret and the field, and
// quotes nothing that may be secret. Commands are those that may be run.
func readSecret(s *keyring.ClusterSecret, commands []string) (*login, error) {
	l := &login{secret: s.Secret}
	for _, read := range []func(*keyring.ClusterSecret) error{l.readServer, l.readConfig, l.readBounds} {
		if err := read(s); err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrSecret, s.Secret, err)
		}
	}
	for _, check := range []func() error{l.checkTLS, l.checkProxy, func() error { return l.checkLogin(commands) }} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("%w %s: config.%w", ErrSecret, s.Secret, err)
		}
	}
	l.notActed = unknownEntries(s)
	return l, nil
}

func (l *login) readServer(s *keyring.ClusterSecret) error {
	if len(s.Name) > maxName {
		return fmt.Errorf("name: it is longer than %d bytes", maxName)
	}
	if len(s.Server) > maxServer {
		return fmt.Errorf("server: it is longer than %d bytes", maxServer)
	}
	u, err := url.Parse(s.Server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("server: it is no URL such as https://eu.example.com:6443")
	}
	if u.User != nil {
		return errors.New("server: it holds a name or a password: give them in config")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("server: it is the URL of an API server, without ? and #")
	}
	l.server = u
	return nil
}

// readConfig reads the JSON. Errors of the decoder are worded anew, for they may quote.
func (l *login) readConfig(s *keyring.ClusterSecret) error {
	if s.Config.Len() == 0 {
		return nil
	}
	if s.Config.Len() > maxConfig {
		return fmt.Errorf("config: it is larger than %d bytes", maxConfig)
	}
	err := json.Unmarshal(s.Config.Reveal(), l)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("config.%s: it is a %s, which does not belong there", kind.Field, firstWord(kind.Value))
	case err != nil:
		return errors.New("config: it is no JSON")
	}
	return nil
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

func (l *login) readBounds(s *keyring.ClusterSecret) error {
	l.bounds.Namespaces = s.OnlyNamespaces()
	if len(l.bounds.Namespaces) > maxNamespaces {
		return fmt.Errorf("namespaces: there are more than %d", maxNamespaces)
	}
	if s.ClusterResources != "" {
		on, err := strconv.ParseBool(s.ClusterResources)
		if err != nil {
			return fmt.Errorf("clusterResources: %.20q is neither true nor false", s.ClusterResources)
		}
		l.bounds.Clusterwide = on
	}
	return nil
}

func (l *login) checkTLS() error {
	for _, field := range []struct {
		name, text string
		to         *[]byte
	}{{"caData", l.TLS.CAData, &l.ca}, {"certData", l.TLS.CertData, &l.cert}, {"keyData", l.TLS.KeyData, &l.key}} {
		raw, err := base64.StdEncoding.DecodeString(field.text)
		if err != nil {
			return fmt.Errorf("tlsClientConfig.%s: it is not in base64", field.name)
		}
		*field.to = raw
	}
	switch {
	case l.TLS.Insecure && len(l.ca) > 0:
		return errors.New("tlsClientConfig: insecure and caData exclude each other")
	case len(l.ca) > 0 && !x509.NewCertPool().AppendCertsFromPEM(l.ca):
		return errors.New("tlsClientConfig.caData: it holds no certificate in PEM")
	case (len(l.cert) == 0) != (len(l.key) == 0):
		return errors.New("tlsClientConfig: certData and keyData belong together, and one is missing")
	case len(l.cert) > 0:
		if _, err := tls.X509KeyPair(l.cert, l.key); err != nil {
			return errors.New("tlsClientConfig: certData and keyData are no certificate with its key in PEM")
		}
	}
	return nil
}

func (l *login) checkProxy() error {
	if l.ProxyURL == "" {
		return nil
	}
	u, err := url.Parse(l.ProxyURL)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return errors.New("proxyUrl: it is no URL of a proxy: http://, https:// or socks5://")
	}
	l.proxy = u
	return nil
}

// checkLogin says whether there is one way to get in. A program counts before all else,
// as in Argo CD.
func (l *login) checkLogin(commands []string) error {
	switch {
	case l.AWS != nil:
		return errors.New("awsAuthConfig: it is not supported: give the program in execProviderConfig, such as aws eks get-token or aws-iam-authenticator, and permit it by --allow-cluster-exec")
	case l.Exec != nil:
		return l.Exec.check(commands)
	case l.BearerToken != "" && l.Username != "":
		return errors.New("bearerToken: there is a username, too: give one of the two")
	case l.Username == "" && l.Password != "":
		return errors.New("password: there is no username")
	case l.server.Scheme == "http" && !l.anonymous():
		return errors.New("bearerToken: it would be sent in the clear, for server begins with http://")
	}
	return nil
}

// unknownEntries lists what nobody acts on, "" if nothing.
func unknownEntries(s *keyring.ClusterSecret) string {
	unknown := slices.Clone(s.Others)
	var config, ofTLS map[string]json.RawMessage
	if json.NewDecoder(bytes.NewReader(s.Config.Reveal())).Decode(&config) == nil {
		unknown = append(unknown, besides("config.", config, "username", "password", "bearerToken", "tlsClientConfig", "awsAuthConfig", "execProviderConfig", "proxyUrl", "disableCompression")...)
		if json.Unmarshal(config["tlsClientConfig"], &ofTLS) == nil {
			unknown = append(unknown, besides("config.tlsClientConfig.", ofTLS, "insecure", "serverName", "caData", "certData", "keyData")...)
		}
	}
	if s.Shard != "" {
		unknown = append(unknown, "shard: the replicas divide the Applications, not the clusters")
	}
	slices.Sort(unknown)
	return strings.Join(unknown, ", ")
}

// besides are the keys that are none of the known ones, in whatever case, as JSON has it.
func besides(prefix string, fields map[string]json.RawMessage, known ...string) (unknown []string) {
	for name := range maps.Keys(fields) {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			unknown = append(unknown, prefix+strconv.Quote(name))
		}
	}
	return unknown
}

// own says that the Secret is of the agent's own cluster, and says nothing of how to reach
// it: its name and its labels count.
func (l *login) own(server string) bool {
	return server == api.InClusterServer && l.anonymous() && len(l.bounds.Namespaces) == 0
}
