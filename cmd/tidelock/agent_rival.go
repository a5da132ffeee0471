package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/rival"
	"github.com/tidelock-io/tidelock/agent/sets"
	"k8s.io/client-go/kubernetes/typed/apps/v1"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// newLookout looks for Argo CD's controllers, and for other Tidelocks, in the agent's own
// cluster.
func newLookout(cfg *rest.Config) (*rival.Lookout, error) {
	client, err := v1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	leases, err := coordinationv1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return rival.NewLookout(client, leases, time.Now), nil
}

// yielded tells of an Application that is another Tidelock's.
func (p *parts) yielded(app *api.Application, why string) {
	p.events.Record(app, event.Event{Warning: true, Reason: string(reconcile.ConditionRivalControllerWarning), Message: why})
}

// setRivals are who else may keep the Applications of ApplicationSets.
func (p *parts) setRivals(lookout *rival.Lookout, reconciler *reconcile.Reconciler) sets.Rivals {
	return sets.Rivals{
		State: func(ctx context.Context, namespace string, after time.Time) rival.State {
			if p.params.options().ignoreArgo {
				return rival.Stopped
			}
			return lookout.SetState(ctx, namespace, after)
		},
		Patience: func() time.Duration { return p.engine.settings.Settings().Patience() },
		Tidelock: reconciler.Tidelock,
	}
}
