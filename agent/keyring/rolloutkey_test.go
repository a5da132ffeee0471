package keyring

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// TestRolloutKeyWaits: who waits for the key that another makes does not for longer than
// it may, and no second one is made.
func TestRolloutKeyWaits(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	asked, answer := make(chan struct{}), make(chan struct{})
	client.PrependReactor("create", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) {
		close(asked) // a second time fails the test
		<-answer
		return false, nil, nil
	})
	k := &Keyring{rollout: &rolloutKey{
		from:   follow[*corev1.Secret](&corev1.Secret{}, func() {}, nil),
		client: client.CoreV1().Secrets("argocd"), turn: semaphore.NewWeighted(1),
	}}
	type made struct {
		key []byte
		err error
	}
	first := make(chan made)
	go func() {
		key, err := k.RolloutKey(t.Context())
		first <- made{key, err}
	}()
	<-asked
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := k.RolloutKey(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("who cannot wait gets %v", err)
	}
	if _, err := k.PreviewRolloutKey(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("who cannot wait and only looks gets %v", err)
	}
	close(answer)
	one := <-first
	again, err := k.RolloutKey(t.Context())
	if one.err != nil || err != nil || len(one.key) != rolloutKeySize || !bytes.Equal(one.key, again) {
		t.Errorf("%d bytes, %v; then %d bytes, %v", len(one.key), one.err, len(again), err)
	}
}
