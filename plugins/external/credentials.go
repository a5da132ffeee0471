package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/esutils/resolvers"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A store must say who it is: with a Secret, or a ServiceAccount's token. Without,
// the clouds' libraries would look for credentials around them, and find those
// of the node, which are not the store's.
var errAmbient = errors.New("credentials of the machine are not used, the store must name its own")

// An applicant is a store that is about to log in.
type applicant struct {
	kube            client.Client
	kind, namespace string
}

// check refuses what a provider would read or connect to on behalf of a store
// and that is not the store's.
func (a applicant) check(ctx context.Context, spec *esv1.SecretStoreProvider) error {
	switch {
	case spec.AWS != nil:
		return checkAWS(spec.AWS)
	case spec.AzureKV != nil:
		return checkAzure(ctx, spec.AzureKV)
	case spec.GCPSM != nil:
		return a.checkGCP(ctx, spec.GCPSM)
	case spec.Kubernetes != nil:
		return a.checkKubernetes(ctx, spec.Kubernetes)
	case spec.Vault != nil:
		return checkVault(ctx, spec.Vault)
	case spec.Webhook != nil:
		return checkWebhookURL(ctx, spec.Webhook.URL)
	}
	return nil
}

// dnsLabels is what regions and locations look like: they become a part of a host's
// name.
var dnsLabels = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func checkAWS(spec *esv1.AWSProvider) error {
	if spec.Auth.SecretRef == nil && (spec.Auth.JWTAuth == nil || spec.Auth.JWTAuth.ServiceAccountRef == nil) {
		return fmt.Errorf("spec.provider.aws.auth: it needs secretRef or jwt.serviceAccountRef: %w", errAmbient)
	}
	if !dnsLabels.MatchString(spec.Region) {
		return fmt.Errorf("spec.provider.aws.region: %q is no region", spec.Region)
	}
	return nil
}

func checkAzure(ctx context.Context, spec *esv1.AzureKVProvider) error {
	if spec.VaultURL == nil {
		return errors.New("spec.provider.azurekv.vaultUrl: it is missing")
	}
	switch {
	case *spec.AuthType == esv1.AzureManagedIdentity:
		return fmt.Errorf("spec.provider.azurekv.authType: %s: %w", *spec.AuthType, errAmbient)
	case *spec.AuthType == esv1.AzureWorkloadIdentity && spec.ServiceAccountRef == nil:
		return fmt.Errorf("spec.provider.azurekv.serviceAccountRef: it is missing: %w", errAmbient)
	}
	if err := checkURL(ctx, "azurekv.vaultUrl", *spec.VaultURL, "https"); err != nil || spec.CustomCloudConfig == nil {
		return err
	}
	custom := spec.CustomCloudConfig
	if err := checkURL(ctx, "azurekv.customCloudConfig.activeDirectoryEndpoint", custom.ActiveDirectoryEndpoint, "https"); err != nil {
		return err
	}
	for field, text := range map[string]*string{"keyVaultEndpoint": custom.KeyVaultEndpoint, "resourceManagerEndpoint": custom.ResourceManagerEndpoint} {
		if text == nil {
			continue
		}
		if err := checkURL(ctx, "azurekv.customCloudConfig."+field, *text, "https"); err != nil {
			return err
		}
	}
	return nil
}

func (a applicant) checkGCP(ctx context.Context, spec *esv1.GCPSMProvider) error {
	const auth = "spec.provider.gcpsm.auth"
	if spec.Location != "" && !dnsLabels.MatchString(spec.Location) {
		return fmt.Errorf("spec.provider.gcpsm.location: %q is no location", spec.Location)
	}
	switch identity, federation := spec.Auth.WorkloadIdentity, spec.Auth.WorkloadIdentityFederation; {
	case spec.Auth.SecretRef != nil:
		return a.checkGCPKey(ctx, spec.Auth.SecretRef)
	case identity != nil:
		if identity.ClusterLocation == "" || identity.ClusterName == "" || identity.ClusterProjectID == "" {
			return fmt.Errorf("%s.workloadIdentity: it needs clusterProjectID, clusterLocation and clusterName, for the machine is not asked", auth)
		}
		return nil
	case federation == nil:
		return fmt.Errorf("%s: it needs secretRef, workloadIdentity or workloadIdentityFederation: %w", auth, errAmbient)
	case federation.ServiceAccountRef == nil || federation.CredConfig != nil || federation.AwsSecurityCredentials != nil || federation.ExternalTokenEndpoint != "":
		return fmt.Errorf("%s.workloadIdentityFederation: only serviceAccountRef and audience are supported", auth)
	}
	return nil
}

// googleTokens are the addresses that keys of Google's name. Any other would get
// what is signed with the key, and might be anybody.
var googleTokens = []string{"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"}

func (a applicant) checkGCPKey(ctx context.Context, auth *esv1.GCPSMAuthSecretRef) error {
	const field = "spec.provider.gcpsm.auth.secretRef"
	text, err := resolvers.SecretKeyRef(ctx, a.kube, a.kind, a.namespace, &auth.SecretAccessKey)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	var key struct {
		Type     string `json:"type"`
		TokenURI string `json:"token_uri"`
	}
	if json.Unmarshal([]byte(text), &key) != nil || key.Type != "service_account" {
		return fmt.Errorf("%s: it holds no key of a service account (%w)", field, errWithheld)
	}
	if key.TokenURI != "" && !slices.Contains(googleTokens, key.TokenURI) {
		return fmt.Errorf("%s: the key's token_uri is not Google's, %s", field, googleTokens[0])
	}
	return nil
}

func (a applicant) checkKubernetes(ctx context.Context, spec *esv1.KubernetesProvider) error {
	if spec.AuthRef != nil {
		return a.checkKubeconfig(ctx, spec)
	}
	server := spec.Server.URL
	if !strings.Contains(server, "://") {
		server = "https://" + server // as client-go reads it
	}
	return checkURL(ctx, "kubernetes.server.url", server, "https", "http")
}

// checkKubeconfig refuses a kubeconfig that names programs or files: it is
// written by whoever may write the Secret that holds it.
func (a applicant) checkKubeconfig(ctx context.Context, spec *esv1.KubernetesProvider) error {
	text, err := resolvers.SecretKeyRef(ctx, a.kube, a.kind, a.namespace, spec.AuthRef)
	if err != nil {
		return err
	}
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		return fmt.Errorf("authRef: it is no kubeconfig (%w)", errWithheld)
	}
	for _, user := range config.AuthInfos {
		if user.Exec != nil || user.AuthProvider != nil || user.TokenFile != "" || user.ClientCertificate != "" || user.ClientKey != "" {
			return fmt.Errorf("authRef: the kubeconfig names programs or files: it must hold its credentials itself")
		}
	}
	for _, cluster := range config.Clusters {
		if cluster.CertificateAuthority != "" {
			return fmt.Errorf("authRef: the kubeconfig names a file: it must hold certificate-authority-data")
		}
		if cluster.ProxyURL != "" {
			return fmt.Errorf("authRef: the kubeconfig names a proxy: it must name the server alone")
		}
		if err := checkURL(ctx, "kubernetes.authRef: the kubeconfig's server", cluster.Server, "https", "http"); err != nil {
			return err
		}
	}
	return nil
}

func checkVault(ctx context.Context, spec *esv1.VaultProvider) error {
	if auth := spec.Auth; auth != nil && auth.Iam != nil && auth.Iam.SecretRef == nil && (auth.Iam.JWTAuth == nil || auth.Iam.JWTAuth.ServiceAccountRef == nil) {
		return fmt.Errorf("spec.provider.vault.auth.iam: it needs secretRef or jwt.serviceAccountRef: %w", errAmbient)
	}
	if auth := spec.Auth; auth != nil && auth.Kubernetes != nil && auth.Kubernetes.ServiceAccountRef == nil && auth.Kubernetes.SecretRef == nil {
		return fmt.Errorf("spec.provider.vault.auth.kubernetes: it needs serviceAccountRef or secretRef: %w", errAmbient)
	}
	return checkURL(ctx, "vault.server", spec.Server, "https", "http")
}
