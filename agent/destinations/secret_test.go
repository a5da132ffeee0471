package destinations

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/secrets"
)

// secretOf is the Secret of a cluster.
func secretOf(name, server, config string) keyring.ClusterSecret {
	return keyring.ClusterSecret{
		Cluster: keyring.Cluster{Name: name, Server: server},
		Secret:  "argocd/" + name, Version: config, Config: secrets.New([]byte(config)),
	}
}

// planted must stand in no error.
const planted = "hunter2-hunter2"

// Each mistake names the Secret and the field, and never what stands there.
func TestSecretFaults(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, tt := range []struct{ name, server, config, want string }{
		{"all empty", "https://eu", ``, ""},
		{"a token", "https://eu", `{"bearerToken": "` + planted + `"}`, ""},
		{"a password", "https://eu", `{"username": "bob", "password": "` + planted + `"}`, ""},
		{"insecure", "https://eu", `{"tlsClientConfig": {"insecure": true, "serverName": "api"}}`, ""},
		{"a proxy with a password", "https://eu", `{"proxyUrl": "http://bob:` + planted + `@proxy:3128"}`, ""},
		{"no server", "eu", ``, "server: it is no URL such as https://eu.example.com:6443"},
		{"a login in the server", "https://bob:" + planted + "@eu", ``, "server: it holds a name or a password: give them in config"},
		{"a query", "https://eu?x=" + planted, ``, "server: it is the URL of an API server, without ? and #"},
		{"in the clear", "http://eu", `{"bearerToken": "` + planted + `"}`, "config.bearerToken: it would be sent in the clear, for server begins with http://"},
		{"no JSON", "https://eu", planted, "config: it is no JSON"},
		{"half of it", "https://eu", `{"bearerToken": "` + planted, "config: it is no JSON"},
		{"a number", "https://eu", `{"bearerToken": 12345678}`, "config.bearerToken: it is a number, which does not belong there"},
		{"a text for a flag", "https://eu", `{"tlsClientConfig": {"insecure": "` + planted + `"}}`, "config.tlsClientConfig.insecure: it is a string, which does not belong there"},
		{"too large", "https://eu", `{"bearerToken": "` + strings.Repeat("x", maxConfig) + `"}`, "config: it is larger than 262144 bytes"},
		{"no base64", "https://eu", `{"tlsClientConfig": {"caData": "` + planted + `"}}`, "config.tlsClientConfig.caData: it is not in base64"},
		{"no PEM", "https://eu", `{"tlsClientConfig": {"caData": "` + b64(planted) + `"}}`, "config.tlsClientConfig.caData: it holds no certificate in PEM"},
		{"a certificate alone", "https://eu", `{"tlsClientConfig": {"certData": "` + b64(planted) + `"}}`, "config.tlsClientConfig: certData and keyData belong together, and one is missing"},
		{"no pair", "https://eu", `{"tlsClientConfig": {"certData": "` + b64(planted) + `", "keyData": "` + b64(planted) + `"}}`, "config.tlsClientConfig: certData and keyData are no certificate with its key in PEM"},
		{"insecure with an authority", "https://eu", `{"tlsClientConfig": {"insecure": true, "caData": "` + b64(planted) + `"}}`, "config.tlsClientConfig: insecure and caData exclude each other"},
		{"a proxy that is none", "https://eu", `{"proxyUrl": "ftp://` + planted + `"}`, "config.proxyUrl: it is no URL of a proxy: http://, https:// or socks5://"},
		{"two ways in", "https://eu", `{"username": "bob", "bearerToken": "` + planted + `"}`, "config.bearerToken: there is a username, too: give one of the two"},
		{"nobody's password", "https://eu", `{"password": "` + planted + `"}`, "config.password: there is no username"},
		{"EKS", "https://eu", `{"awsAuthConfig": {"clusterName": "eu"}}`, "config.awsAuthConfig: it is not supported: give the program in execProviderConfig, such as aws eks get-token or aws-iam-authenticator, and permit it by --allow-cluster-exec"},
		{"a program", "https://eu", `{"execProviderConfig": {"command": "sh", "args": ["-c", "` + planted + `"]}}`, `config.execProviderConfig.command: "sh" is not permitted: name it by --allow-cluster-exec, or log in by a token`},
		{"no program", "https://eu", `{"execProviderConfig": {}}`, "config.execProviderConfig.command: it is empty"},
		{"one that is permitted", "https://eu", `{"execProviderConfig": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1beta1"}}`, ""},
		{"of another time", "https://eu", `{"execProviderConfig": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1alpha1"}}`, `config.execProviderConfig.apiVersion: "client.authentication.k8s.io/v1alpha1" is none of client.authentication.k8s.io/v1 and v1beta1`},
		{"with another's libraries", "https://eu", `{"execProviderConfig": {"command": "aws", "env": {"LD_PRELOAD": "` + planted + `"}}}`, `config.execProviderConfig.env: "LD_PRELOAD" cannot be set`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := secretOf("eu", tt.server, tt.config)
			_, err := readSecret(&s, []string{"aws"})
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), "the Secret of the cluster argocd/eu: ")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if strings.Contains(got, planted) {
				t.Error("it tells what is secret")
			}
		})
	}
}

func TestSecretBounds(t *testing.T) {
	for _, tt := range []struct{ namespaces, resources, want string }{
		{"", "", "{[] false}"},
		{"shop, front,", "", "{[shop front] false}"},
		{"shop", "true", "{[shop] true}"},
		{"shop", "perhaps", `the Secret of the cluster argocd/eu: clusterResources: "perhaps" is neither true nor false`},
		{strings.Repeat("a,", maxNamespaces+1), "", "the Secret of the cluster argocd/eu: namespaces: there are more than 500"},
	} {
		s := secretOf("eu", "https://eu", "")
		s.Namespaces, s.ClusterResources = tt.namespaces, tt.resources
		l, err := readSecret(&s, nil)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(l.bounds)
		}
		if got != tt.want {
			t.Errorf("%q %q: got %s, want %s", tt.namespaces, tt.resources, got, tt.want)
		}
	}
}

// What nobody acts on is said.
func TestUnknownEntries(t *testing.T) {
	s := secretOf("eu", "https://eu", `{"BearerToken": "x", "oidc": {}, "tlsClientConfig": {"CAData": "", "keyFile": "/x"}}`)
	s.Shard, s.Others = "1", []string{"labels"}
	want := `config."oidc", config.tlsClientConfig."keyFile", labels, shard: the replicas divide the Applications, not the clusters`
	if got := unknownEntries(&s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
