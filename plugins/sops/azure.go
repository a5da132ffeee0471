package sops

import (
	"cmp"
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/keys"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// askAzure has Azure Key Vault decrypt.
func askAzure(ctx context.Context, login sdk.Key, recipient keys.MasterKey) ([]byte, error) {
	key := *recipient.(*azkv.MasterKey)
	if err := permitAzure(login, key.VaultURL, key.Name, key.Version); err != nil {
		return nil, err
	}
	azkv.NewClientOptions(&azkeys.ClientOptions{}).ApplyToMasterKey(&key)
	if !ambient(login) {
		credential, err := azureCredential(login.Material)
		if err != nil {
			return nil, err
		}
		azkv.NewTokenCredential(credential).ApplyToMasterKey(&key)
	}
	return key.DecryptContext(ctx)
}

// azureLogin is Flux's format, and what az ad sp create-for-rbac prints.
type azureLogin struct {
	TenantID      string `json:"tenantId"`
	ClientID      string `json:"clientId"`
	ClientSecret  string `json:"clientSecret"`
	Certificate   string `json:"clientCertificate"`
	Password      string `json:"clientCertificatePassword"`
	SendChain     bool   `json:"clientCertificateSendChain"`
	AuthorityHost string `json:"authorityHost"`

	Tenant string `json:"tenant"`
	AppID  string `json:"appId"`
	Secret string `json:"password"`
}

func azureCredential(material []byte) (azcore.TokenCredential, error) {
	var l azureLogin
	if yaml.Unmarshal(material, &l) != nil {
		return nil, nof("not a login of Azure: expected YAML with tenantId, clientId and clientSecret or clientCertificate")
	}
	tenant, client, secret := cmp.Or(l.TenantID, l.Tenant), cmp.Or(l.ClientID, l.AppID), cmp.Or(l.ClientSecret, l.Secret)
	options, private := l.options()
	var credential azcore.TokenCredential
	var err error
	switch {
	case tenant != "" && client != "" && secret != "":
		credential, err = azidentity.NewClientSecretCredential(tenant, client, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case tenant != "" && client != "" && l.Certificate != "":
		certificates, key, parseErr := azidentity.ParseCertificates([]byte(l.Certificate), []byte(l.Password))
		if parseErr != nil {
			return nil, nof("clientCertificate cannot be read with clientCertificatePassword: expected PEM, or PKCS#12")
		}
		credential, err = azidentity.NewClientCertificateCredential(tenant, client, certificates, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private, SendCertificateChain: l.SendChain})
	case client != "" && secret == "" && l.Certificate == "":
		credential, err = azidentity.NewManagedIdentityCredential(
			&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options, ID: azidentity.ClientID(client)})
	default:
		return nil, nof("not a login of Azure: expected tenantId, clientId and clientSecret or clientCertificate, or for a managed identity clientId alone")
	}
	if err != nil {
		return nil, nof("not a login of Azure that its library takes")
	}
	return credential, nil
}

// options are those of the login's cloud. A private one is known to nobody who
// could be asked about it.
func (l *azureLogin) options() (options azcore.ClientOptions, private bool) {
	if l.AuthorityHost == "" {
		return options, false
	}
	options.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: l.AuthorityHost}
	for _, known := range []cloud.Configuration{cloud.AzurePublic, cloud.AzureChina, cloud.AzureGovernment} {
		if strings.TrimSuffix(l.AuthorityHost, "/") == strings.TrimSuffix(known.ActiveDirectoryAuthorityHost, "/") {
			return options, false
		}
	}
	return options, true
}
