package reconcile

import (
	"math/rand/v2"
	"time"

	"github.com/tidelock-io/tidelock/agent/settings"
)

// pace is how often Applications are looked at without a reason: as ConfigMap
// argocd-cm says, unless the agent was told.
func (r *Reconciler) pace(s *settings.Settings) settings.Pace {
	tuned := r.tuned.Load()
	if tuned.Insist {
		return s.Insist(tuned.Refresh)
	}
	return s.Pace(tuned.Refresh)
}

// longest is the longest time between two looks, however long the interval is. A
// look asks nobody who is watched, but it keeps them watched: a revision that nobody
// asks for is let go of after a while (git.Options.Idle), and is not heard of then.
const longest = 30 * time.Minute

// Next is how long it takes until the next look, if nothing happens before.
func (r *Reconciler) Next() time.Duration {
	pace := r.pace(r.settings())
	if pace.Interval == 0 || pace.Interval > longest {
		pace.Interval = longest
	}
	return pace.Interval + upTo(min(pace.Jitter, longest/2))
}

// upTo is a random time that is shorter.
func upTo(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most)
}

// overdue says that what is kept of the Application is to be dropped, which
// argocd-cm may ask for once in a while (timeout.hard.reconciliation).
func (p *pass) overdue() bool {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	last, known := p.r.renewed[p.name]
	if !known { // nothing is kept yet
		last = p.now.Time
		p.r.renewed[p.name] = last
	}
	if p.pace.Hard == 0 {
		return false
	}
	left := last.Add(p.pace.Hard).Sub(p.now.Time)
	if left > 0 {
		p.soon(left + upTo(p.pace.Jitter))
		return false
	}
	p.r.renewed[p.name] = p.now.Time
	p.soon(p.pace.Hard + upTo(p.pace.Jitter))
	return true
}
