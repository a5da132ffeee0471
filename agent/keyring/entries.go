package keyring

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
)

// others are entries of a repository Secret that Git has no use for: those that
// find it, those of Helm and OCI repositories, and one that speeds Argo CD up.
var others = []string{
	"type", "url", "name", "project",
	"enableOCI", "insecureOCIForceHttp",
	"webhookManifestCacheWarmDisabled",
}

// entries reads a repository Secret (SEMANTICS.md 2.8). It notes what it was
// asked for, and the first mistake.
type entries struct {
	secret *corev1.Secret
	known  map[string]bool
	fault  string
}

// read makes a repository of what a Secret says. A mistake in it is the
// repository's fault; entries that nobody knows are logged, once.
func (k *Keyring) read(url string, s *corev1.Secret) git.Repo {
	e := &entries{secret: s, known: map[string]bool{}}
	for _, name := range others {
		e.known[name] = true
	}
	e.checkType()
	repo := git.Repo{URL: url, Credentials: e.credentials(), Depth: e.depth(), LFS: e.flag("enableLfs")}
	repo.Fault = e.fault
	k.warnOf(e)
	return repo
}

// warnOf logs entries that are not known, such as one that is misspelt.
func (k *Keyring) warnOf(e *entries) {
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(e.secret.Data)), func(name string) bool { return e.known[name] })
	if len(unknown) > 0 && k.news(e.secret) {
		k.log.Warn("a repository's Secret has entries that mean nothing", "secret", e.secret.Name, "entries", unknown)
	}
}

// news says, once, whether a Secret is another than the last time.
func (k *Keyring) news(secret *corev1.Secret) bool {
	version := string(secret.UID) + " " + secret.ResourceVersion
	before, _ := k.warned.Swap(secret.Name, version)
	return before != version
}

func (e *entries) credentials() git.Credentials {
	return git.Credentials{
		Username:    e.text("username"),
		Password:    e.hidden("password"),
		BearerToken: e.hidden("bearerToken"),
		ForceBasic:  e.flag("forceHttpBasicAuth"),

		GitHubApp: e.githubApp(),
		GoogleKey: e.hidden("gcpServiceAccountKey"),
		Azure:     e.azure(),

		SSHPrivateKey:         e.hidden("sshPrivateKey"),
		InsecureIgnoreHostKey: e.flag("insecureIgnoreHostKey"),
		InsecureSkipTLS:       e.flag("insecure"),
		ClientCert:            []byte(e.text("tlsClientCertData")),
		ClientKey:             e.hidden("tlsClientCertKey"),

		Proxy:   e.hidden("proxy"),
		NoProxy: e.text("noProxy"),
	}
}

// depth is at least one commit: what lies behind a commit is fetched when it is
// needed.
func (e *entries) depth() int { return int(min(e.number("depth"), math.MaxInt32)) }

func (e *entries) githubApp() git.App {
	app := git.App{
		ID: e.number("githubAppID"), Installation: e.number("githubAppInstallationID"),
		PrivateKey: e.hidden("githubAppPrivateKey"), BaseURL: e.text("githubAppEnterpriseBaseUrl"),
	}
	if (app.ID == 0) != (app.PrivateKey.Len() == 0) {
		e.faultf("a GitHub App needs both githubAppID and githubAppPrivateKey")
	}
	return app
}

func (e *entries) azure() git.Azure {
	azure := git.Azure{
		ClientID: e.text("azureServicePrincipalClientId"), TenantID: e.text("azureServicePrincipalTenantId"),
		ClientSecret: e.hidden("azureServicePrincipalClientSecret"), Endpoint: e.text("azureActiveDirectoryEndpoint"),
		WorkloadIdentity: e.flag("useAzureWorkloadIdentity"),
	}
	has := []bool{azure.ClientID != "", azure.TenantID != "", azure.ClientSecret.Len() > 0}
	if !azure.WorkloadIdentity && slices.Contains(has, true) && slices.Contains(has, false) {
		e.faultf("a service principal needs azureServicePrincipalClientId, azureServicePrincipalTenantId and azureServicePrincipalClientSecret")
	}
	return azure
}

func (e *entries) checkType() {
	switch t := e.text("type"); t {
	case "", "git", "helm", "oci":
	default:
		e.faultf("type: %.40q is none of git, helm and oci", t)
	}
}

func (e *entries) text(name string) string {
	e.known[name] = true
	return strings.TrimSpace(string(e.secret.Data[name]))
}

func (e *entries) hidden(name string) secrets.Value {
	e.known[name] = true
	return secrets.New(e.secret.Data[name])
}

func (e *entries) flag(name string) bool {
	text := e.text(name)
	if text == "" {
		return false
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		e.faultf("%s: %.40q is neither true nor false", name, text)
	}
	return on
}

func (e *entries) number(name string) int64 {
	text := e.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		e.faultf("%s: %.40q is no number", name, text)
		return 0
	}
	return n
}

// faultf notes the first mistake. It quotes nothing that may be secret.
func (e *entries) faultf(format string, args ...any) {
	if e.fault == "" {
		e.fault = fmt.Sprintf("Secret %s/%s: ", e.secret.Namespace, e.secret.Name) + fmt.Sprintf(format, args...)
	}
}

// hasCredentials reports whether a Secret says how to get in.
func hasCredentials(s *corev1.Secret) bool {
	for _, name := range []string{
		"username", "password", "bearerToken", "sshPrivateKey", "tlsClientCertData",
		"githubAppPrivateKey", "gcpServiceAccountKey", "azureServicePrincipalClientSecret", "useAzureWorkloadIdentity",
	} {
		if len(s.Data[name]) > 0 {
			return true
		}
	}
	return false
}
