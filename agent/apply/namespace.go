package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// namespaces remembers which namespaces were seen, so that a steady sync does
// not ask.
type namespaces struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (n *namespaces) has(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen[name]
}

// mostNamespaces bounds how many are remembered. Beyond it all are asked for again.
const mostNamespaces = 10_000

func (n *namespaces) set(name string, there bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil || len(n.seen) >= mostNamespaces {
		n.seen = map[string]bool{}
	}
	if !there {
		delete(n.seen, name)
		return
	}
	n.seen[name] = true
}

// EnsureNamespace creates a namespace if it is missing. It is not tracked, so
// it outlives the Application (SEMANTICS.md 1.6, CreateNamespace). Metadata, if
// not nil, is kept on it by server-side apply.
func (a *Applier) EnsureNamespace(ctx context.Context, name string, metadata *api.ManagedNamespaceMetadata) error {
	switch {
	case name == "":
		return nil
	case metadata != nil:
		return a.applyNamespace(ctx, name, metadata)
	case a.known.has(name):
		return nil
	}
	err := a.request(ctx, func() error { return a.client.Get().AbsPath("/api/v1/namespaces", name).Do(ctx).Error() })
	if apierrors.IsNotFound(err) {
		namespace := &corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
		}
		err = a.request(ctx, func() error {
			return a.client.Post().AbsPath("/api/v1/namespaces").Param("fieldManager", diff.Manager).Body(namespace).Do(ctx).Error()
		})
	}
	if apierrors.IsForbidden(err) && a.confined() {
		return fmt.Errorf("%w: %s: an agent that is confined to namespaces makes none: create it, and install anew the rights in it", errNoNamespace, name)
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	a.known.set(name, true)
	return nil
}

// errNoNamespace says that a namespace is not there, or that there are no rights in it.
var errNoNamespace = errors.New("the namespace is missing, or the agent has no rights in it")

// confined says that there are bounds, in which there are no namespaces to be made.
func (a *Applier) confined() bool { return a.cluster.Bounds().Outside("", false) != nil }

// LacksNamespace says that a namespace is not there.
func (a *Applier) LacksNamespace(ctx context.Context, name string) bool {
	err := a.request(ctx, func() error { return a.client.Get().AbsPath("/api/v1/namespaces", name).Do(ctx).Error() })
	return apierrors.IsNotFound(err)
}

// ForgetNamespace makes the next EnsureNamespace ask again.
func (a *Applier) ForgetNamespace(name string) { a.known.set(name, false) }

// namespaceManager is the field manager of managedNamespaceMetadata. It is not
// that of applies: those of an Application that states the whole Namespace would
// undo it, and be undone.
const namespaceManager = diff.Manager + "-namespace"

func (a *Applier) applyNamespace(ctx context.Context, name string, metadata *api.ManagedNamespaceMetadata) error {
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": metav1.ObjectMeta{Name: name, Labels: metadata.Labels, Annotations: metadata.Annotations},
	})
	if err != nil {
		return err
	}
	err = a.request(ctx, func() error {
		return a.client.Patch(types.ApplyPatchType).AbsPath("/api/v1/namespaces", name).
			Param("fieldManager", namespaceManager).Param("force", "true").Body(body).Do(ctx).Error()
	})
	if err != nil {
		return fmt.Errorf("apply namespace %s: %w", name, err)
	}
	return nil
}
