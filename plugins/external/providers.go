package main

import (
	"fmt"
	"net/http"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/provider/aws"
	"github.com/external-secrets/external-secrets/pkg/provider/azure/keyvault"
	"github.com/external-secrets/external-secrets/pkg/provider/fake"
	"github.com/external-secrets/external-secrets/pkg/provider/gcp/secretmanager"
	"github.com/external-secrets/external-secrets/pkg/provider/kubernetes"
	"github.com/external-secrets/external-secrets/pkg/provider/vault"
	vaultutil "github.com/external-secrets/external-secrets/pkg/provider/vault/util"
	"github.com/external-secrets/external-secrets/pkg/provider/webhook"
	"github.com/hashicorp/vault/api"

	// Each registers itself, under the kind that generatorRef names.
	_ "github.com/external-secrets/external-secrets/pkg/generator/fake"
	_ "github.com/external-secrets/external-secrets/pkg/generator/password"
	_ "github.com/external-secrets/external-secrets/pkg/generator/sshkey"
	_ "github.com/external-secrets/external-secrets/pkg/generator/uuid"
)

// providers makes a provider by its field in a store's spec.provider. Each call
// gets a new one: fake keeps values of one store for the next.
func providers() map[string]esv1.Provider {
	return map[string]esv1.Provider{
		"aws":        &aws.Provider{},
		"azurekv":    &keyvault.Azure{},
		"fake":       &fake.Provider{},
		"gcpsm":      &secretmanager.Provider{},
		"kubernetes": &kubernetes.Provider{},
		"vault":      &vault.Provider{NewVaultClient: newVaultClient},
		"webhook":    &webhook.Provider{},
	}
}

// newVaultClient makes a client that checks what it connects to.
func newVaultClient(config *api.Config) (vaultutil.Client, error) {
	transport, ok := config.HttpClient.Transport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the provider vault has a %T for a transport", config.HttpClient.Transport)
	}
	transport.DialContext = dialer().DialContext
	return vault.NewVaultClient(config)
}
