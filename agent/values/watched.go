package values

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// A watched object is followed by a reflector, whose store it is.
type watched struct {
	object Object
	lw     *cache.ListWatch
	told   func()
	ready  chan struct{} // closed at the first answer, be it a refusal
	ended  chan struct{} // closed by end

	mu       sync.Mutex // guards all below
	answered bool
	over     bool
	stop     context.CancelFunc // of run; nil before
	content  Content
}

// watch makes the watch of one object.
func (f *Follower) watch(o Object) *watched {
	w := &watched{object: o, told: func() { f.tell(o) }, ready: make(chan struct{}), ended: make(chan struct{})}
	one := fields.OneTermEqualSelector("metadata.name", o.Name).String()
	w.lw = &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = one
			if o.Kind == Secret {
				list, err := f.client.Secrets(o.Namespace).List(ctx, options)
				return list, w.failed(ctx, err)
			}
			list, err := f.client.ConfigMaps(o.Namespace).List(ctx, options)
			return list, w.failed(ctx, err)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = one
			if o.Kind == Secret {
				events, err := f.client.Secrets(o.Namespace).Watch(ctx, options)
				return events, w.failed(ctx, err)
			}
			events, err := f.client.ConfigMaps(o.Namespace).Watch(ctx, options)
			return events, w.failed(ctx, err)
		},
	}
	return w
}

// run follows the object until ctx ends, or nobody uses it any more.
func (w *watched) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	over := w.over
	w.stop = cancel
	w.mu.Unlock()
	if !over {
		cache.NewReflectorWithOptions(w.lw, kindOf(w.object.Kind), w, cache.ReflectorOptions{}).RunWithContext(ctx)
	}
}

func (w *watched) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.over = true
	close(w.ended)
	if w.stop != nil {
		w.stop()
	}
}

// now is the content as it was told last.
func (w *watched) now() Content {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.content
}

// failed notes an error of the API server, unless something is known: that stands as
// long as the server is only away.
func (w *watched) failed(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	content := unread(err)
	w.mu.Lock()
	stands := w.answered && w.content.Err == nil && !apierrors.IsForbidden(err)
	w.mu.Unlock()
	if !stands {
		w.take(content)
	}
	return err
}

// take keeps a content, and tells of it if it is another than before.
func (w *watched) take(content Content) {
	w.mu.Lock()
	first := !w.answered
	changed := first || !same(w.content, content)
	w.answered, w.content = true, content
	w.mu.Unlock()
	if first {
		close(w.ready)
	} else if changed {
		w.told()
	}
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (w *watched) Add(obj any) error {
	w.take(ContentOf(obj.(runtime.Object)))
	return nil
}

func (w *watched) Update(obj any) error { return w.Add(obj) }

func (w *watched) Delete(any) error {
	w.take(absent)
	return nil
}

func (w *watched) Replace(list []any, _ string) error {
	for _, item := range list {
		return w.Add(item)
	}
	w.take(absent)
	return nil
}

func (w *watched) Resync() error { return nil }
