package cluster

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// How long watches may be behind before their kinds are listed, and how often they are
// looked at.
const (
	behindFor  = 500 * time.Millisecond
	behindEach = 5 * time.Millisecond
)

// Newest is how far the records go: the newest version of them, by kind, and by namespace
// where each is followed for itself.
func (c *Cluster) Newest() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	newest := map[string]string{}
	for _, live := range c.records {
		at := mark(live.Key.GroupKind(), c.apart(live))
		if version, ok := newest[at]; live.App != "" && (!ok || olderThan(version, live.ResourceVersion)) {
			newest[at] = live.ResourceVersion
		}
	}
	return newest
}

// apart is the namespace of an object whose kind is followed in each for itself. The
// caller holds c.mu.
func (c *Cluster) apart(live *diff.Live) string {
	if _, together := c.watches[feed{live.Key.GroupKind().WithVersion(live.Version), ""}]; together {
		return ""
	}
	return live.Key.Namespace
}

func mark(kind schema.GroupKind, namespace string) string {
	if namespace == "" {
		return kind.String()
	}
	return kind.String() + "/" + namespace
}

// Await makes sure that what is known of the objects of applications is no older than
// what somebody knew whose Newest these were. Events of a kind come in the order of their
// versions: a watch that has come as far has told of all that came before. For those that
// are behind it waits a moment, and then lists their kinds.
func (c *Cluster) Await(ctx context.Context, newest map[string]string, apps []string) error {
	behind := c.reached(ctx, newest)
	if len(behind) == 0 || len(apps) == 0 {
		return nil
	}
	selector, of := selecting(apps)
	return c.list(ctx, behind, selector, of)
}

// Reached waits a moment, and says whether what is known is no older than what somebody
// knew whose Newest this was.
func (c *Cluster) Reached(ctx context.Context, newest map[string]string) bool {
	return len(c.reached(ctx, newest)) == 0
}

// reached waits a moment for watchers that are behind, and lists those that still are.
func (c *Cluster) reached(ctx context.Context, newest map[string]string) []*watcher {
	end := time.Now().Add(behindFor)
	for {
		behind := c.behind(newest)
		if len(behind) == 0 || !time.Now().Before(end) {
			return behind
		}
		select {
		case <-time.After(behindEach):
		case <-ctx.Done():
			return behind
		}
	}
}

// behind lists the watchers that have not come as far.
func (c *Cluster) behind(newest map[string]string) []*watcher {
	return slices.DeleteFunc(c.watchers(), func(w *watcher) bool {
		for at, version := range newest {
			kind, namespace, _ := strings.Cut(at, "/")
			if kind == w.gvk.GroupKind().String() && (namespace == "" || w.namespace == "" || namespace == w.namespace) && !w.reached(version) {
				return false
			}
		}
		return true
	})
}

// reached says that the watch has told of a version, and of all before.
func (w *watcher) reached(version string) bool {
	r := w.reflector.Load()
	if r == nil {
		return false
	}
	at := r.LastSyncResourceVersion()
	return at != "" && !olderThan(at, version)
}
