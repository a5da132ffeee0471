package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/esutils/resolvers"
	"github.com/external-secrets/external-secrets/pkg/provider/fake"
	"github.com/external-secrets/external-secrets/pkg/provider/kubernetes"
	"github.com/external-secrets/external-secrets/pkg/provider/vault"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// providers makes a provider by its field in a store's spec.provider. Each call
// gets a new one: fake keeps values of one store for the next.
func providers() map[string]esv1.Provider {
	return map[string]esv1.Provider{
		"fake":       &fake.Provider{},
		"kubernetes": &kubernetes.Provider{},
		"vault":      &vault.Provider{NewVaultClient: vault.NewVaultClient},
	}
}

// stores connects to the stores of one ExternalSecret, each once.
type stores struct {
	pool      *pool
	kube      client.Client
	namespace string
	providers map[string]esv1.Provider
	open      map[esv1.SecretStoreRef]esv1.SecretsClient
}

func newStores(pool *pool, kube client.Client, es *esv1.ExternalSecret) *stores {
	return &stores{pool, kube, es.Namespace, providers(), map[esv1.SecretStoreRef]esv1.SecretsClient{}}
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
	return s.pool.session(ref, at, lasting[name], func(ctx context.Context, kube client.Client) (esv1.SecretsClient, error) {
		if err := s.checkKubeconfig(ctx, ref.Kind, store.GetSpec().Provider.Kubernetes); err != nil {
			return nil, err
		}
		return provider.NewClient(ctx, store, kube, s.namespace)
	}), nil
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

// checkKubeconfig refuses a kubeconfig that names programs or files: it is
// written by whoever may write the Secret that holds it.
func (s *stores) checkKubeconfig(ctx context.Context, kind string, spec *esv1.KubernetesProvider) error {
	if spec == nil || spec.AuthRef == nil {
		return nil
	}
	text, err := resolvers.SecretKeyRef(ctx, s.kube, kind, s.namespace, spec.AuthRef)
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
	}
	return nil
}

// close ends all connections. An error of closing changes nothing any more.
func (s *stores) close(ctx context.Context) {
	for _, opened := range s.open {
		_ = opened.Close(ctx)
	}
}

// defaultStore sets what the CRDs default: a store may come from Git, and has
// then seen no API server.
func defaultStore(spec *esv1.SecretStoreProvider) {
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
