package resolve

import (
	"fmt"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A task is what is done with an object.
type task int

const (
	leave    task = iota // apply it as it is
	open                 // a SealedSecret
	fetch                // an ExternalSecret
	consume              // a store or a generator: consulted, not applied
	expanded             // a ClusterExternalSecret: what it stands for follows it
	drop                 // only a controller that is not there could do it
)

const (
	sealedGroup   = "bitnami.com"
	externalGroup = "external-secrets.io"
)

// sort decides on every object, and asks the project about those that will not
// be seen again.
func (r *run) sort() {
	for i, o := range r.set {
		at := &r.slots[i]
		if at.task != expanded {
			at.task = r.taskOf(o)
		}
		switch at.task {
		case leave, expanded:
		case drop:
			r.leaveOut(o, fmt.Errorf("%w: the destination does not serve %s, and it is not applied", external.ErrUnsupported, o.Key.Kind))
		default:
			at.err = r.permit(o)
		}
	}
}

func (r *run) taskOf(o *manifest.Object) task {
	ours := sealed.IsKind(o) || o.Key.Group == externalGroup || o.Key.Group == external.GeneratorGroup
	if !ours || !r.modes.resolves(o.Key.GroupKind()) {
		return leave
	}
	switch {
	case sealed.IsKind(o):
		return open
	case external.IsKind(o):
		return fetch
	case r.modes.served(o.Key.GroupKind()):
		return leave // the mode is Resolve: a store is consulted and applied
	case external.IsStore(o), o.Key.Group == external.GeneratorGroup && external.IsGenerator(o.Key.Kind):
		return consume
	}
	return drop
}

func (r *run) permit(o *manifest.Object) error {
	if r.app.Permit == nil {
		return fmt.Errorf("%w: there is no project to ask", ErrNotPermitted)
	}
	if err := r.app.Permit(o); err != nil {
		return fmt.Errorf("%w: %w", ErrNotPermitted, err)
	}
	return nil
}
