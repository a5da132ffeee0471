package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// TestTokenReader: generators read tokens, and neither the agent's keys nor how clusters
// are reached.
func TestTokenReader(t *testing.T) {
	secret := func(name, label, value string, kind corev1.SecretType) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}, Type: kind, Data: map[string][]byte{"token": []byte("hunter2")}}
		if label != "" {
			s.Labels = map[string]string{label: value}
		}
		return s
	}
	r := tokenReader{fake.NewClientset(
		secret("plain", "", "", corev1.SecretTypeOpaque), secret("app", api.LabelSecretType, api.SecretTypeRepoCreds, ""),
		secret("age", api.LabelTidelockSecretType, api.SecretTypeSOPSKey, ""), secret("seal", sealed.KeyLabel, sealed.KeyActive, ""),
		secret("eu", api.LabelSecretType, api.SecretTypeCluster, ""), secret("sa", "", "", corev1.SecretTypeServiceAccountToken),
	).CoreV1(), "argocd", false}
	got := map[string]string{}
	for _, name := range []string{"plain", "app", "age", "seal", "eu", "sa", "none"} {
		items, err := r.Secret(t.Context(), name)
		if err != nil {
			got[name] = err.Error()
			continue
		}
		got[name] = string(items["token"].Reveal())
	}
	want := map[string]string{
		"plain": "hunter2", "app": "hunter2",
		"age":  "Secret age is a key of the agent: no server is shown it",
		"seal": "Secret seal is a key of the agent: no server is shown it",
		"eu":   "Secret eu is how a cluster is reached: no server is shown it",
		"sa":   "Secret sa is a token of the cluster: no server is shown it",
		"none": `secrets "none" not found`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
