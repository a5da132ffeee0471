package sdk

import (
	"context"
	"encoding/json"
)

// A SecretSource makes the Secret that an ExternalSecret describes, by asking
// the provider of its store.
//
// Its errors must not quote values, tokens or keys.
type SecretSource interface {
	Fetch(ctx context.Context, req *SecretRequest) (*SecretResult, error)
}

// A SecretRequest is one ExternalSecret and what it refers to.
type SecretRequest struct {
	Application string
	// Namespace is where the ExternalSecret lives and the Secret will.
	Namespace string
	// ExternalSecret is the object as JSON (external-secrets.io/v1).
	ExternalSecret json.RawMessage
	// Objects gives the SecretStores, Secrets, ConfigMaps and ServiceAccount
	// tokens that the ExternalSecret and its store refer to. The host decides
	// what may be seen.
	Objects Objects
}

// Objects looks up the Kubernetes objects a SecretSource needs. The answers
// come from the host, which checks namespaces and store conditions.
type Objects interface {
	// Get returns an object as JSON. Its error satisfies
	// errors.Is(err, fs.ErrNotExist) if there is none.
	Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error)
	// Token returns a token of a ServiceAccount, made for the audiences.
	Token(ctx context.Context, namespace, serviceAccount string, audiences []string) (Material, error)
}

// A SecretResult is a Secret as its controller would have made it: what
// spec.target.template says, over the fetched data.
type SecretResult struct {
	Type        string
	Labels      map[string]string
	Annotations map[string]string
	Data        map[string]Material
	Immutable   bool
}
