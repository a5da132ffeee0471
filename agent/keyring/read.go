package keyring

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ErrUnread says that some keys or credentials could not be read.
var ErrUnread = errors.New("cannot read")

// Read asks for everything once, in place of Run: for a command that ends soon,
// and that has the rights of a person. Its errors, each ErrUnread, say what could
// not be read; all else is there.
func (k *Keyring) Read(ctx context.Context) []error {
	sources := []struct {
		what string
		from reader
	}{
		{"SOPS keys", k.sops},
		{"repository credentials", k.repositories},
		{"sealing keys", k.sealing},
		{"the Secrets of clusters", k.clusters},
		{"the key of rollouts", k.rollout.from},
		{"whether the sealed-secrets controller runs", k.sealed},
		{"known hosts, authorities and signing keys", k.trust},
	}
	errs := make([]error, len(sources))
	var g errgroup.Group
	for i, s := range sources {
		g.Go(func() error {
			if err := s.from.read(ctx); err != nil {
				errs[i] = fmt.Errorf("%w %s: %w", ErrUnread, s.what, err)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in their places
	var failed []error
	for _, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// ReadClusters is Read for the Secrets of clusters, and nothing else.
func (k *Keyring) ReadClusters(ctx context.Context) error {
	if err := k.clusters.read(ctx); err != nil {
		return fmt.Errorf("%w the Secrets of clusters: %w", ErrUnread, err)
	}
	return nil
}

// reader is a follower of any kind.
type reader interface {
	read(ctx context.Context) error
}

// read lists the objects, once.
func (f *follower[T]) read(ctx context.Context) error {
	list, err := f.lw.ListWithContextFunc(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var items []any
	if err := meta.EachListItem(list, func(item runtime.Object) error {
		items = append(items, item)
		return nil
	}); err != nil {
		return fmt.Errorf("read the listing: %w", err)
	}
	return f.Replace(items, "")
}
