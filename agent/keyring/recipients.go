package keyring

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// Recipients returns the public halves of all keys that decrypt. What holds none
// is left out; where it is used it is said.
func (k *Keyring) Recipients() []recipients.Recipient {
	var all []recipients.Recipient
	for _, secret := range sorted(k.sops.list()) {
		for _, key := range sopsKeys(secret) {
			of, err := recipients.Of(key)
			if err != nil {
				continue
			}
			for _, r := range of {
				r.Project = string(secret.Data["project"])
				all = append(all, r)
			}
		}
	}
	return append(all, k.sealingRecipients()...)
}

// Unusable says which keys cannot decrypt anything: those that cannot be read.
func (k *Keyring) Unusable() (all []error) {
	for _, secret := range sorted(k.sops.list()) {
		for _, key := range sopsKeys(secret) {
			if _, err := recipients.Of(key); err != nil {
				all = append(all, fmt.Errorf("%s: %w", key.Name, err))
			}
		}
	}
	var pairs []map[string][]byte
	for _, secret := range sorted(k.sealing.list()) {
		pairs = append(pairs, secret.Data)
	}
	if _, err := sealed.ParseKeys(pairs...); err != nil {
		all = append(all, fmt.Errorf("keys of the sealed-secrets controller: %w", err))
	}
	return all
}

func (k *Keyring) sealingRecipients() []recipients.Recipient {
	var all []recipients.Recipient
	keys, err := k.Keys(context.Background())
	if err != nil {
		return nil
	}
	for _, fingerprint := range keys.Fingerprints() {
		all = append(all, recipients.Recipient{Kind: recipients.Sealing, ID: fingerprint, Key: "the sealed-secrets controller"})
	}
	return all
}

// ReadKeys is Read for what decrypts, and nothing else. It fails if any of it
// cannot be read.
func (k *Keyring) ReadKeys(ctx context.Context) error {
	if err := k.sops.read(ctx); err != nil {
		return fmt.Errorf("%w SOPS keys: %w", ErrUnread, err)
	}
	if err := k.sealing.read(ctx); err != nil {
		return fmt.Errorf("%w sealing keys: %w", ErrUnread, err)
	}
	return nil
}

// publishAgain is how long a failure to publish waits.
const publishAgain = time.Minute

// Publish keeps the ConfigMap with the public halves of the keys in the agent's
// namespace until ctx ends. It writes when they are others, and else not at all. A failure
// is logged, for nothing depends on it but commands.
func (k *Keyring) Publish(ctx context.Context) error {
	if err := k.Wait(ctx); err != nil {
		return nil //nolint:nilerr // told to end before the first listing
	}
	published := ""
	for {
		var again <-chan time.Time
		text, err := recipients.Marshal(k.Recipients())
		if err == nil && text != published {
			err = k.publish(ctx, text)
		}
		switch {
		case err == nil:
			published = text
		case ctx.Err() == nil:
			k.log.WarnContext(ctx, "the public halves of the keys cannot be published", "error", err)
			again = time.After(publishAgain)
		}
		select {
		case <-k.keys:
		case <-again:
		case <-ctx.Done():
			return nil
		}
	}
}

func (k *Keyring) publish(ctx context.Context, text string) error {
	config := applycorev1.ConfigMap(recipients.ConfigMap, "").WithData(map[string]string{recipients.Entry: text})
	config.Namespace = nil // the client's
	_, err := k.published.Apply(ctx, config, metav1.ApplyOptions{FieldManager: "tidelock", Force: true})
	if err != nil {
		return fmt.Errorf("apply ConfigMap %s: %w", recipients.ConfigMap, err)
	}
	return nil
}
