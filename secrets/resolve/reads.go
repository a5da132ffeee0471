package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// once reads each object of the cluster once in a run: a thousand ExternalSecrets
// of one store do not read the store a thousand times. It lasts no longer than the
// run, for it holds Secrets.
type once struct {
	sdk.Objects

	mu    sync.Mutex // guards reads
	reads map[address]*reading
}

type address struct{ apiVersion, kind, namespace, name string }

// A reading is one object, as soon as it is read.
type reading struct {
	once sync.Once
	raw  json.RawMessage
	err  error
}

// newOnce returns nil if there is no cluster.
func newOnce(cluster sdk.Objects) sdk.Objects {
	if cluster == nil {
		return nil
	}
	return &once{Objects: cluster, reads: map[address]*reading{}}
}

// Get implements [sdk.Objects]. Who asks second waits for the first one's answer.
func (o *once) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	at := address{apiVersion, kind, namespace, name}
	r := o.reading(at)
	r.once.Do(func() { r.raw, r.err = o.Objects.Get(ctx, apiVersion, kind, namespace, name) })
	if r.err != nil && !errors.Is(r.err, fs.ErrNotExist) {
		o.forget(at, r) // it may have failed for the sake of whoever asked
	}
	return r.raw, r.err
}

func (o *once) reading(at address) *reading {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reads[at] == nil {
		o.reads[at] = &reading{}
	}
	return o.reads[at]
}

func (o *once) forget(at address, r *reading) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reads[at] == r {
		delete(o.reads, at)
	}
}
