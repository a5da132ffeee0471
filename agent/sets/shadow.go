package sets

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

// Observe finds out what a pass over a set would do, once and without a Controller that
// runs, and does nothing of it. Its error is why that is not known.
func Observe(ctx context.Context, config Config, set *api.ApplicationSet) (plan appset.Plan, err error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	p := untold(config).over(set)
	defer p.rise()
	err = crash.Guard("look", func() error { return p.observe(ctx) })
	return p.plan, err
}

// lookOn finds out what a pass would do, and does nothing of it. A set that is on its
// way out is its deleter's business.
func (p *pass) lookOn(ctx context.Context) {
	if p.set.DeletionTimestamp != nil {
		return
	}
	err := p.observe(ctx)
	if p.putOff(err) {
		return
	}
	p.c.Shadow(p.set, p.plan, err)
}

// observe makes the plan.
func (p *pass) observe(ctx context.Context) error {
	if err := p.unfollowed(); err != nil {
		return err
	}
	if err := p.generate(ctx); err != nil {
		return err
	}
	return p.compare()
}
