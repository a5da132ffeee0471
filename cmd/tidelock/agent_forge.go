package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A tokenReader reads what generators name in one namespace: the tokens of
// servers, GitHub Apps and plugins. Keys, which open what is in Git, and the credentials of
// clusters are none of these, and no server is shown them.
type tokenReader struct {
	client    corev1client.CoreV1Interface
	namespace string
	strict    bool // Secrets have to be marked
}

// Secret returns the items of one.
func (r tokenReader) Secret(ctx context.Context, name string) (map[string]secrets.Value, error) {
	s, err := r.client.Secrets(r.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	what := noToken(s)
	if what == "" && r.strict {
		what = untold(s)
	}
	if what != "" {
		return nil, fmt.Errorf("Secret %s is %s: no server is shown it", name, what)
	}
	items := map[string]secrets.Value{}
	for key, plain := range s.Data {
		items[key] = secrets.New(plain)
	}
	return items, nil
}

// noToken says what a Secret is that is no token of a server; "" if it may be one.
func noToken(s *corev1.Secret) string {
	_, ours := s.Labels[api.LabelTidelockSecretType]
	_, seals := s.Labels[sealed.KeyLabel]
	switch {
	case ours || seals:
		return "a key of the agent"
	case s.Labels[api.LabelSecretType] == api.SecretTypeCluster:
		return "how a cluster is reached"
	case s.Type == corev1.SecretTypeServiceAccountToken, s.Type == corev1.SecretTypeBootstrapToken:
		return "a token of the cluster"
	}
	return ""
}

// ConfigMap returns the data of one.
func (r tokenReader) ConfigMap(ctx context.Context, name string) (map[string]string, error) {
	m, err := r.client.ConfigMaps(r.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}
