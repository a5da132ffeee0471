package resolve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// errMissing is what the controller's condition SecretMissing says.
var errMissing = errors.New("nothing is done, for creationPolicy Merge adds to a Secret that is there, and it is not")

// merge adds what ExternalSecrets with creationPolicy Merge or CreateOrMerge
// give to the Secret of the same set. Where the set has none, the data becomes a
// part of the one in the cluster: server-side apply leaves the rest of it alone.
func (r *run) merge(ctx context.Context) {
	for i := range r.set {
		at := &r.slots[i]
		if at.err != nil || at.secret == nil || !at.when.Merges {
			continue
		}
		if into := r.given(at.secret.Key, i); into != nil {
			*into, at.err = add(*into, at.secret)
			at.secret = nil
			continue
		}
		if at.when.MustExist && !r.exists(ctx, at) {
			at.secret = nil
			if at.err == nil {
				r.leaveOut(r.set[i], errMissing)
			}
		}
	}
}

// given finds another object of the set that gives the Secret.
func (r *run) given(key manifest.Key, but int) **manifest.Object {
	for i, o := range r.set {
		switch at := &r.slots[i]; {
		case i == but || at.err != nil:
		case at.task == leave && o.Key == key:
			return &r.set[i]
		case at.secret != nil && at.secret.Key == key:
			return &at.secret
		}
	}
	return nil
}

// exists asks the cluster; without one, the Secret is taken to be there.
func (r *run) exists(ctx context.Context, at *slot) bool {
	if r.app.Cluster == nil {
		return true
	}
	_, err := r.app.Cluster.Get(ctx, "v1", "Secret", at.secret.Key.Namespace, at.secret.Key.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		at.err = fmt.Errorf("whether the Secret is there: %w", err)
	}
	return err == nil
}

// add returns base with the data, labels and annotations of more.
func add(base, more *manifest.Object) (*manifest.Object, error) {
	data := maps.Clone(base.Data())
	if data == nil {
		return nil, fmt.Errorf("%w: %s has no data to add to", ErrCollision, base.Key)
	}
	maps.Copy(data, more.Data())
	with, err := base.WithData(data)
	if err != nil {
		return nil, err
	}
	return with.Edit(func(body map[string]any) {
		meta := body["metadata"].(map[string]any)
		for field, of := range map[string]map[string]string{"labels": more.Labels, "annotations": more.Annotations} {
			into, ok := meta[field].(map[string]any)
			if !ok && len(of) > 0 {
				into = map[string]any{}
				meta[field] = into
			}
			for name, value := range of {
				if !slices.Contains(steering, name) { // those are of base alone
					into[name] = value
				}
			}
		}
	})
}
