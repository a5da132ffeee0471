package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// checkSecrets compares the Secrets of the api with what was encrypted, byte for
// byte, and that there are no others.
func checkSecrets(ctx context.Context, s *stage) error {
	list, err := s.cluster.Typed.CoreV1().Secrets("api").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	f := s.secrets
	for _, want := range []struct {
		source, name string
		data         map[string]string
	}{
		{"SOPS file → Secret database", "database", map[string]string{"password": f.database.Text, "url": f.databaseURL()}},
		{"SOPS .env file → Secret smtp, by a secretGenerator", "smtp-", map[string]string{"SMTP_HOST": "smtp.example.com", "SMTP_USER": "shop", "SMTP_PASSWORD": f.smtp.Text}},
		{"SealedSecret → Secret webhook", "webhook", map[string]string{"token": f.webhook.Text}},
		{"ExternalSecret → Secret payments", "payments", map[string]string{"api-key": f.payments.Text}},
	} {
		if err := s.out.step(want.source, func() (string, error) {
			secret, err := find(list.Items, want.name)
			if err != nil {
				return "", err
			}
			return describeKeys(want.data), compare(secret, want.data)
		}); err != nil {
			return err
		}
	}
	if n := len(list.Items); n != 4 {
		return fmt.Errorf("the namespace api has %d Secrets instead of 4", n)
	}
	return nil
}

// find returns the Secret with a name, or with a prefix that ends in "-".
func find(secrets []corev1.Secret, name string) (*corev1.Secret, error) {
	for i := range secrets {
		got := secrets[i].Name
		if got == name || strings.HasSuffix(name, "-") && strings.HasPrefix(got, name) {
			return &secrets[i], nil
		}
	}
	return nil, fmt.Errorf("there is no Secret %s in the namespace api", name)
}

// compare does not print values, not even wrong ones.
func compare(secret *corev1.Secret, want map[string]string) error {
	for key, value := range want {
		got, there := secret.Data[key]
		if !there {
			return fmt.Errorf("it has no key %s", key)
		}
		if string(got) != value {
			return fmt.Errorf("%s is not what was encrypted: %d bytes instead of %d", key, len(got), len(value))
		}
	}
	if len(secret.Data) != len(want) {
		return fmt.Errorf("it has %d keys instead of %d", len(secret.Data), len(want))
	}
	return nil
}

func describeKeys(data map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(data)), ", ") + " as encrypted"
}
