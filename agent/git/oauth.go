package git

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"
)

const (
	entraID      = "https://login.microsoftonline.com"
	azureScope   = "499b84ac-1321-427f-aa17-267ca6975798/.default" // the id of Azure DevOps, the same for all
	googleTokens = "https://oauth2.googleapis.com/token"
	googleScope  = "https://www.googleapis.com/auth/cloud-platform"
	// assertionType says that a JWT stands for the client's secret (RFC 7523).
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// Azure is an identity that Azure DevOps knows: a service principal, or the
// workload identity of the process, which then says all that is left out here.
type Azure struct {
	ClientID         string
	TenantID         string
	ClientSecret     secrets.Value
	Endpoint         string // of Entra ID; "" is the public one
	WorkloadIdentity bool
}

func newAzureLogin(c Credentials) (login, error) {
	client, err := c.client(false)
	if err != nil {
		return nil, err
	}
	return newTokenLogin("", func(ctx context.Context) (token, error) {
		config, err := c.Azure.config()
		if err != nil {
			return token{}, err
		}
		t, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		return tokenOf(t, "Entra ID", err)
	}), nil
}

func (a Azure) config() (*clientcredentials.Config, error) {
	config := &clientcredentials.Config{
		ClientID: a.ClientID, ClientSecret: string(a.ClientSecret.Reveal()),
		Scopes: []string{azureScope}, AuthStyle: oauth2.AuthStyleInParams,
	}
	endpoint, tenant := a.Endpoint, a.TenantID
	if a.WorkloadIdentity {
		assertion, err := federated()
		if err != nil {
			return nil, err
		}
		config.ClientID, config.ClientSecret = cmp.Or(a.ClientID, os.Getenv("AZURE_CLIENT_ID")), ""
		config.EndpointParams = url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
		tenant, endpoint = cmp.Or(tenant, os.Getenv("AZURE_TENANT_ID")), cmp.Or(endpoint, os.Getenv("AZURE_AUTHORITY_HOST"))
	}
	if config.ClientID == "" || tenant == "" {
		return nil, refuse("set AZURE_CLIENT_ID and AZURE_TENANT_ID, as the workload identity webhook does", "the Azure identity has no client id, or no tenant id")
	}
	config.TokenURL = strings.TrimRight(cmp.Or(endpoint, entraID), "/") + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/token"
	return config, nil
}

// federated reads the token that Kubernetes gave to the process, which is renewed
// on disk.
func federated() (string, error) {
	file := os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	if file == "" {
		return "", refuse("label the agent's pod azure.workload.identity/use=true", "useAzureWorkloadIdentity is set, and the process has no workload identity (AZURE_FEDERATED_TOKEN_FILE)")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", refuse("", "the token of the workload identity cannot be read: %v", errors.Unwrap(err))
	}
	return strings.TrimSpace(string(text)), nil
}

func newGoogleLogin(c Credentials) (login, error) {
	var key struct {
		Type         string `json:"type"`
		ClientEmail  string `json:"client_email"`
		PrivateKey   string `json:"private_key"`
		PrivateKeyID string `json:"private_key_id"`
		TokenURI     string `json:"token_uri"`
	}
	if json.Unmarshal(c.GoogleKey.Reveal(), &key) != nil || key.Type != "service_account" || key.ClientEmail == "" || key.PrivateKey == "" {
		return nil, refuse("give the JSON key of a service account, as Google made it", "gcpServiceAccountKey is not the key of a service account")
	}
	client, err := c.client(false)
	if err != nil {
		return nil, err
	}
	config := &jwt.Config{
		Email: key.ClientEmail, PrivateKey: []byte(key.PrivateKey), PrivateKeyID: key.PrivateKeyID,
		Scopes: []string{googleScope}, TokenURL: cmp.Or(key.TokenURI, googleTokens),
	}
	return newTokenLogin(key.ClientEmail, func(ctx context.Context) (token, error) {
		t, err := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)).Token()
		return tokenOf(t, "Google", err)
	}), nil
}

// tokenOf translates, and says what a server says no more than it names.
func tokenOf(t *oauth2.Token, server string, err error) (token, error) {
	var no *oauth2.RetrieveError
	var unreached *url.Error
	switch {
	case err == nil:
		return token{secrets.New([]byte(t.AccessToken)), t.Expiry}, nil
	case errors.As(err, &no) && no.Response != nil && no.Response.StatusCode >= http.StatusInternalServerError:
		return token{}, fmt.Errorf("%s gives no token: status %d", server, no.Response.StatusCode)
	case errors.As(err, &no):
		return token{}, refuse("check the identity in the repository's Secret", "%s gives no token: %s %s", server, no.ErrorCode, no.ErrorDescription)
	case errors.As(err, &unreached):
		return token{}, fmt.Errorf("ask %s for a token: %w", server, unreached.Err)
	case strings.Contains(err.Error(), "private key"):
		// golang.org/x/oauth2 has no error value for it, and quotes the key's parser.
		return token{}, refuse("give the key as it was made", "the private key for %s cannot be read", server)
	}
	return token{}, fmt.Errorf("ask %s for a token: %w", server, err)
}
