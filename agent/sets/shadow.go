package sets

import "context"

// lookOn finds out what a pass would do, and does nothing of it. A set that is on its
// way out is its deleter's business.
func (p *pass) lookOn(ctx context.Context) {
	if p.set.DeletionTimestamp != nil {
		return
	}
	err := p.unfollowed()
	if err == nil {
		err = p.generate(ctx)
	}
	if err == nil {
		err = p.compare()
	}
	p.c.Shadow(p.set, p.plan, err)
}
