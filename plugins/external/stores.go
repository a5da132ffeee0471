package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	esmeta "github.com/external-secrets/external-secrets/apis/meta/v1"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stores connects to the stores of one ExternalSecret, each once.
type stores struct {
	pool      *pool
	kube      client.Client
	namespace string
	providers map[string]esv1.Provider
	open      map[esv1.SecretStoreRef]esv1.SecretsClient
	google    []*session
	done      []func() // at the end
}

func newStores(pool *pool, kube client.Client, es *externalSecret) *stores {
	return &stores{pool: pool, kube: kube, namespace: es.Namespace, providers: providers(), open: map[esv1.SecretStoreRef]esv1.SecretsClient{}}
}

// client returns a client of the store. Whether the store may be used from this
// namespace, the host has decided.
func (s *stores) client(ctx context.Context, ref esv1.SecretStoreRef) (esv1.SecretsClient, error) {
	orElse(&ref.Kind, esv1.SecretStoreKind)
	if opened, ok := s.open[ref]; ok {
		return opened, nil
	}
	opened, err := s.connect(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", ref.Kind, ref.Name, err)
	}
	s.open[ref] = opened
	return opened, nil
}

func (s *stores) connect(ctx context.Context, ref esv1.SecretStoreRef) (esv1.SecretsClient, error) {
	store, err := s.read(ctx, ref)
	if err != nil {
		return nil, err
	}
	name, provider, err := s.provider(store.GetSpec().Provider)
	if err != nil {
		return nil, err
	}
	defaultStore(store.GetSpec().Provider)
	at, err := s.place(ref, store.GetSpec())
	if err != nil {
		return nil, err
	}
	session := s.pool.session(ref, at, lasting[name], func(ctx context.Context, kube client.Client) (esv1.SecretsClient, error) {
		return s.login(ctx, ref.Kind, store, provider, kube)
	})
	if store.GetSpec().Provider.GCPSM != nil {
		s.google = append(s.google, session)
	}
	return session, nil
}

func (s *stores) read(ctx context.Context, ref esv1.SecretStoreRef) (esv1.GenericStore, error) {
	if ref.Kind == esv1.ClusterSecretStoreKind {
		store := &esv1.ClusterSecretStore{}
		return store, s.kube.Get(ctx, client.ObjectKey{Name: ref.Name}, store)
	}
	store := &esv1.SecretStore{}
	return store, s.kube.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: ref.Name}, store)
}

// provider picks the one whose field is set.
func (s *stores) provider(spec *esv1.SecretStoreProvider) (name string, provider esv1.Provider, err error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return "", nil, err
	}
	var set map[string]json.RawMessage
	if err := json.Unmarshal(raw, &set); err != nil || len(set) != 1 {
		return "", nil, fmt.Errorf("spec.provider: it needs exactly one provider, it has %d", len(set))
	}
	name = slices.Collect(maps.Keys(set))[0]
	provider, ok := s.providers[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(s.providers)), ", ")
		return "", nil, fmt.Errorf("spec.provider: %s is not supported, %s are", name, known)
	}
	return name, provider, nil
}

// login connects, if the store may.
func (s *stores) login(ctx context.Context, kind string, store esv1.GenericStore, provider esv1.Provider, kube client.Client) (esv1.SecretsClient, error) {
	spec := store.GetSpec().Provider
	if err := (applicant{kube, kind, s.namespace}).check(ctx, spec); err != nil {
		return nil, err
	}
	s.register(ctx, kind, spec)
	if spec.GCPSM != nil {
		s.closeGoogle(ctx)
	}
	opened, err := provider.NewClient(ctx, store, kube, s.namespace)
	if err != nil {
		return nil, err
	}
	return opened, confine(opened)
}

// register makes the host answer for the ServiceAccount of a store of AWS's.
func (s *stores) register(ctx context.Context, kind string, spec *esv1.SecretStoreProvider) {
	var account *esmeta.ServiceAccountSelector
	switch {
	case spec.AWS != nil && spec.AWS.Auth.JWTAuth != nil:
		account = spec.AWS.Auth.JWTAuth.ServiceAccountRef
	case spec.Vault != nil && spec.Vault.Auth != nil && spec.Vault.Auth.Iam != nil && spec.Vault.Auth.Iam.JWTAuth != nil:
		account = spec.Vault.Auth.Iam.JWTAuth.ServiceAccountRef
	}
	host, ok := ctx.Value(tokensKey{}).(sdk.Objects)
	if account == nil || !ok {
		return
	}
	namespace := s.namespace
	if kind == esv1.ClusterSecretStoreKind && account.Namespace != nil {
		namespace = *account.Namespace
	}
	s.done = append(s.done, accounts.add(namespace, account.Name, host))
}

// closeGoogle ends the connections to Google: its provider holds a lock while it
// has one, so a second would wait for ever.
func (s *stores) closeGoogle(ctx context.Context) {
	for _, session := range s.google {
		_ = session.Close(ctx) // it connects anew when it is asked
	}
}

// close ends all connections. An error of closing changes nothing any more.
func (s *stores) close(ctx context.Context) {
	for _, opened := range s.open {
		_ = opened.Close(ctx)
	}
	for _, done := range s.done {
		done()
	}
}

// defaultStore sets what the CRDs default: a store may come from Git, and has
// then seen no API server.
func defaultStore(spec *esv1.SecretStoreProvider) {
	if a := spec.AzureKV; a != nil {
		if a.AuthType == nil {
			a.AuthType = ptr.To(esv1.AzureServicePrincipal)
		}
		orElse(&a.EnvironmentType, esv1.AzureEnvironmentPublicCloud)
	}
	if g := spec.GCPSM; g != nil {
		orElse(&g.SecretVersionSelectionPolicy, esv1.SecretVersionSelectionPolicyLatestOrFail)
	}
	if k := spec.Kubernetes; k != nil {
		orElse(&k.Server.URL, "kubernetes.default")
		orElse(&k.RemoteNamespace, "default")
	}
	if v := spec.Vault; v != nil {
		orElse(&v.Version, esv1.VaultKVStoreV2)
		if v.Auth != nil {
			defaultVaultAuth(v.Auth)
		}
	}
}

func defaultVaultAuth(auth *esv1.VaultAuth) {
	if auth.AppRole != nil {
		orElse(&auth.AppRole.Path, "approle")
	}
	if auth.Kubernetes != nil {
		orElse(&auth.Kubernetes.Path, "kubernetes")
	}
	if auth.Ldap != nil {
		orElse(&auth.Ldap.Path, "ldap")
	}
	if auth.Jwt != nil {
		orElse(&auth.Jwt.Path, "jwt")
	}
	if auth.Cert != nil {
		orElse(&auth.Cert.Path, "cert")
	}
	if auth.UserPass != nil {
		orElse(&auth.UserPass.Path, "userpass")
	}
}
