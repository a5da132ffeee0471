package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/peers"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
)

// A knowing replica answers over the network what its Application states: objects of its
// own name, and the one named shared.
type knowing struct {
	*Replicas
	peers  *peers.Peers
	member shard.Member
}

func newKnowing(t *testing.T, name string) *knowing {
	t.Helper()
	p, err := peers.New(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	app := types.NamespacedName{Namespace: "argocd", Name: name}
	k := &knowing{peers: p}
	k.Replicas = NewReplicas(func(of types.NamespacedName) bool { return of == app }, p, slog.New(slog.DiscardHandler), func(objects []reconcile.Located) []reconcile.Look {
		look := reconcile.Look{App: app, Revisions: []string{"1"}}
		for i, o := range objects {
			if o.Key.Name == name || o.Key.Name == "shared" {
				look.States = append(look.States, i)
			}
		}
		return []reconcile.Look{look}
	})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.member = shard.Member{ID: name, Address: listener.Addr().String(), Print: p.Print()}
	p.Others = func() []shard.Member { return nil }
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return p.Serve(ctx, listener) })
	g.Go(func() error { return k.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func objectsNamed(names string) (objects []reconcile.Located) {
	for name := range strings.FieldsSeq(names) {
		objects = append(objects, reconcile.Located{Server: api.InClusterServer, Key: manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}})
	}
	return objects
}

// TestAsk: many ask at the same moment, each of its own objects, and each gets what all
// the others know of just these.
func TestAsk(t *testing.T) {
	t.Parallel()
	a, b, c := newKnowing(t, "a"), newKnowing(t, "b"), newKnowing(t, "c")
	if got := a.Ask(t.Context(), objectsNamed("b")); got != nil {
		t.Errorf("with nobody else there, %v", got)
	}
	a.peers.Others = func() []shard.Member { return []shard.Member{b.member, c.member} }
	for _, of := range []*knowing{b, c} {
		of.peers.Others = func() []shard.Member { return []shard.Member{a.member} }
	}
	var g errgroup.Group
	for names, want := range map[string]string{
		"":           "b[] c[]",
		"b":          "b[0] c[]",
		"x c b":      "b[2] c[1]",
		"shared b a": "b[0 1] c[0]",
		"b shared":   "b[0 1] c[1]",
	} {
		g.Go(func() error {
			var got []string
			for _, l := range a.Ask(t.Context(), objectsNamed(names)) {
				slices.Sort(l.States)
				got = append(got, fmt.Sprint(l.App.Name, l.States))
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != want {
				t.Errorf("of %q: got %s, want %s", names, text, want)
			}
			return nil
		})
	}
	_ = g.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := a.Ask(ctx, nil); got != nil {
		t.Errorf("who does not wait gets %v", got)
	}
}
