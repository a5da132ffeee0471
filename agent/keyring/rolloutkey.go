package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// RolloutKeySecret is the Secret with the key that contents are digested under which
// pods are restarted for. An agent that needs it makes it, once for all agents of its
// namespace and all their versions. With another key every workload that follows its
// Secrets restarts once.
const RolloutKeySecret = "tidelock-rollout-key"

const (
	rolloutKeyEntry = "key"
	rolloutKeySize  = 32
)

// A rolloutKey knows the key by its Secret.
type rolloutKey struct {
	from   *follower[*corev1.Secret]
	client corev1client.SecretInterface

	turn  *semaphore.Weighted // held by who reads the key, or makes it
	known []byte              // made or read by this process; guarded by turn
}

// RolloutKey returns the installation's key, and makes it if there is none. If it was
// deleted meanwhile it is stored again as it was.
func (k *Keyring) RolloutKey(ctx context.Context) ([]byte, error) {
	r := k.rollout
	if err := r.turn.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait for Secret %s: %w", RolloutKeySecret, err)
	}
	defer r.turn.Release(1)
	stored, ok := r.from.get(RolloutKeySecret)
	if !ok {
		var err error
		if stored, err = r.make(ctx); err != nil {
			return nil, fmt.Errorf("make Secret %s: %w", RolloutKeySecret, err)
		}
		r.from.keep(stored)
	}
	key, err := readRolloutKey(stored)
	if err == nil {
		r.known = key
	}
	return key, err
}

// PreviewRolloutKey is RolloutKey for those who only look: without a key yet, they get
// one that nobody else has.
func (k *Keyring) PreviewRolloutKey(ctx context.Context) ([]byte, error) {
	r := k.rollout
	if err := r.turn.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait for Secret %s: %w", RolloutKeySecret, err)
	}
	defer r.turn.Release(1)
	select {
	case <-r.from.done():
	default:
		return nil, fmt.Errorf("%w Secret %s", ErrUnread, RolloutKeySecret)
	}
	stored, ok := r.from.get(RolloutKeySecret)
	if ok {
		return readRolloutKey(stored)
	}
	if r.known == nil {
		r.known = newRolloutKey()
	}
	return r.known, nil
}

func readRolloutKey(s *corev1.Secret) ([]byte, error) {
	key := s.Data[rolloutKeyEntry]
	if len(key) < rolloutKeySize {
		return nil, fmt.Errorf("entry %s of Secret %s/%s is no key of %d random bytes: delete the Secret, and the agent makes another", rolloutKeyEntry, s.Namespace, s.Name, rolloutKeySize)
	}
	return key, nil
}

func newRolloutKey() []byte {
	key := make([]byte, rolloutKeySize)
	rand.Read(key) // never fails: crypto/rand
	return key
}

// make stores a key, or reads the one that another agent has stored at the same moment.
// The caller has the turn.
func (r *rolloutKey) make(ctx context.Context) (*corev1.Secret, error) {
	key := r.known
	if key == nil {
		key = newRolloutKey()
	}
	made, err := r.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   RolloutKeySecret,
			Labels: map[string]string{api.LabelTidelockSecretType: api.SecretTypeRolloutKey},
		},
		Data: map[string][]byte{rolloutKeyEntry: key},
	}, metav1.CreateOptions{FieldManager: "tidelock"})
	if !apierrors.IsAlreadyExists(err) {
		return made, err
	}
	found, err := r.client.Get(ctx, RolloutKeySecret, metav1.GetOptions{})
	if err == nil && found.Labels[api.LabelTidelockSecretType] != api.SecretTypeRolloutKey {
		return nil, errors.New("there is one of this name without the label " + api.LabelTidelockSecretType + ": " + api.SecretTypeRolloutKey)
	}
	return found, err
}
