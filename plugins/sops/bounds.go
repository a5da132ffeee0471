package sops

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	"github.com/tidelock-io/tidelock/plugins/sops/reach"
)

// Who writes a file chooses whom it asks. What follows bounds the choice, so that
// no login goes to, or is used for, what those who gave it did not mean.

// Names of what may be asked. They become parts of addresses.
var (
	awsKey   = regexp.MustCompile(`^arn:aws(-[a-z]+)*:kms:[a-z0-9-]{1,40}:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+$`)
	awsRole  = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@/_-]+$`)
	gcpKey   = regexp.MustCompile(`^projects/[a-z0-9.:-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$`)
	azureKey = regexp.MustCompile(`^[A-Za-z0-9-]+(/[A-Za-z0-9-]*)?$`)
)

// azureHosts end the names of Microsoft's own hosts.
var azureHosts = []string{
	".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net", ".vault.microsoftazure.de",
	".managedhsm.azure.net", ".managedhsm.azure.cn", ".managedhsm.usgovcloudapi.net",
}

// allowances are the patterns of what may be asked with a login.
func allowances(login sdk.Key) []string {
	return strings.FieldsFunc(login.Settings[open.Allow], func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' || r == '\t' })
}

// allowed says whether a pattern is for a name.
func allowed(patterns []string, name string) bool {
	for _, pattern := range patterns {
		prefix, open := strings.CutSuffix(pattern, "*")
		if pattern == name || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// permit checks a key of a cloud. A login that lists none may be used for all.
func permit(login sdk.Key, name string) error {
	if list := allowances(login); len(list) > 0 && !allowed(list, name) {
		return nof("its Secret does not allow this key: add it to the entry sops.%s-keys", login.Kind)
	}
	return nil
}

// permitVault checks the address that a token would be sent to, and the path that
// would be written: the engine's and the key's name come from the file. There is
// no address that all tokens may go to.
func permitVault(login sdk.Key, address, engine, name string) (*url.URL, error) {
	at, err := reach.Origin(address)
	if err != nil {
		return nil, nof("the file's vault_address is not of the form https://host:port")
	}
	if !reach.VaultKey(engine, name) {
		return nil, nof("the file's engine_path or key_name is none of Vault's")
	}
	list := allowances(login)
	for _, line := range list {
		u, err := url.Parse(line)
		if err != nil {
			continue
		}
		path := strings.Trim(u.Path, "/")
		u.Path = ""
		of, err := reach.Origin(u.String())
		if err == nil && *of == *at && (path == "" || allowed([]string{path}, "v1/"+engine+"/keys/"+name)) {
			return at, nil
		}
	}
	if len(list) == 0 {
		return nil, nof("it is not said to which Vault the token may be sent: add the entry sops.vault-address to its Secret, or set VAULT_ADDR on your own machine, to %s", at)
	}
	return nil, nof("the token may not be sent there: add the address to the entry sops.vault-address of its Secret, or set VAULT_ADDR on your own machine")
}

// permitAzure checks a key's address: Microsoft's hosts, unless a list says others.
func permitAzure(login sdk.Key, vault, name, version string) error {
	at, err := reach.Origin(vault)
	if err != nil || at.Scheme != "https" || !azureKey.MatchString(name) || version != "" && !azureKey.MatchString(version) {
		return nof("the file's vaultUrl, key or version is none of Azure's")
	}
	if len(allowances(login)) == 0 {
		for _, end := range azureHosts {
			if strings.HasSuffix(at.Hostname(), end) && at.Port() == "443" {
				return nil
			}
		}
		return nof("%s is no host of Azure's: add the key to the entry sops.azure-kv-keys if it is meant", at.Hostname())
	}
	return permit(login, strings.TrimSuffix(vault, "/")+"/keys/"+name)
}
