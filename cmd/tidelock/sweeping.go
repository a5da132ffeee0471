package main

import (
	"context"

	"github.com/tidelock-io/tidelock/agent"
	"k8s.io/client-go/rest"
)

// sweeping finds out whether Applications go because all that holds them does. An agent
// that is confined to namespaces has no right to see that.
func (p *parts) sweeping(cfg *rest.Config) func(context.Context, string) (string, error) {
	if len(p.options.destinations) > 0 {
		return nil
	}
	return func(ctx context.Context, namespace string) (string, error) {
		sweep, err := agent.NewSweep(cfg)
		if err != nil {
			return "", err
		}
		return sweep.Going(ctx, namespace)
	}
}
