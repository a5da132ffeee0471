// Package rehearsal asks an API server what it says of objects before any cluster
// gets them. The server is one that is run for this alone (package controlplane):
// what objects need of each other is put there, all else is a dry run.
//
// No value of a Secret is sent: stand-ins of the same length are, so that none can be
// written down, logged or quoted.
//
// Start with [New] and [Rehearsal.Run].
package rehearsal

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Destination is a cluster, or a part of one, and what it would get.
type Destination struct {
	// Objects are in their namespaces, as far as these are known.
	Objects manifest.Set
	// Labels are those of namespaces that no object states.
	Labels map[string]map[string]string
}

// An Answer is the server's word on one object.
type Answer struct {
	Object *manifest.Object
	// Refusals are what it has against it.
	Refusals []Refusal
	// Unasked says that it could not be asked: the definition of the kind is refused
	// itself, or not here.
	Unasked bool
}

// A Refusal is one thing that the server has against an object.
type Refusal struct {
	// Path is the field, "" if it does not say: spec.ports[0].name.
	Path    string
	Message string
}

// A Rehearsal asks one API server. It is for one call of Run at a time.
type Rehearsal struct {
	client *client
	served map[schema.GroupVersionKind]served
	stage  *stage // what is there now
	rounds int
}

// A served kind is one that the server has.
type served struct {
	resource   schema.GroupVersionResource
	namespaced bool
}

// New asks a server what it serves.
func New(config *rest.Config) (*Rehearsal, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	_, lists, err := d.ServerGroupsAndResources()
	if err != nil {
		return nil, err
	}
	r := &Rehearsal{client: c, served: map[schema.GroupVersionKind]served{}, stage: newStage()}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, one := range list.APIResources {
			if _, known := r.served[gv.WithKind(one.Kind)]; !known { // subresources come after
				r.served[gv.WithKind(one.Kind)] = served{gv.WithResource(one.Name), one.Namespaced}
			}
		}
	}
	return r, nil
}

// Options say how to ask.
type Options struct {
	// Defined finds the definition of a custom kind that a destination does not state
	// itself; nil if there is none.
	Defined func(schema.GroupKind) *manifest.Object
	// Parallel is how many are asked about at once.
	Parallel int
	// Progress is told how many of all are done, by several goroutines at once; it may
	// be nil.
	Progress func(done, of int)
}

// Run asks about the objects of each destination. Destinations that need different
// things of the same name are asked about one after the other. It returns the
// answers in the order of the destinations and of their objects; an error says that
// the server could not be asked.
func (r *Rehearsal) Run(ctx context.Context, all []Destination, o Options) ([][]Answer, error) {
	answers := make([][]Answer, len(all))
	total := 0
	for i, d := range all {
		answers[i] = make([]Answer, len(d.Objects))
		total += len(d.Objects)
	}
	var done atomic.Int64
	for _, scene := range scenes(all, o.Defined) {
		if err := r.enter(ctx, scene.needs); err != nil {
			return nil, err
		}
		asked := newAsked(r)
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, o.Parallel))
		for _, i := range scene.destinations {
			for k, object := range all[i].Objects {
				g.Go(func() (err error) {
					answers[i][k], err = asked.about(ctx, object)
					if n := int(done.Add(1)); o.Progress != nil {
						o.Progress(n, total)
					}
					return err
				})
			}
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	return answers, nil
}
