package apply

import "time"

const (
	// relief is what is left of the limit when answers are slow.
	relief = 0.9
	// Answers are slow that take longer than unhurried, and much longer than the
	// best of late. Below that there is nothing to gain: more requests in flight
	// always take a little longer each.
	unhurried  = 250 * time.Millisecond
	muchLonger = 3
	// smoothing is over how many answers the mean goes, about: one that is slow by
	// chance does not count.
	smoothing = 8
	// forgetting is in how many answers the best is forgotten, about: a server may
	// have become slower for good.
	forgetting = 10_000
)

// A pace is how long answers take: now, and at best of late. The network's share
// is in both, so that a server far away is not a slow one.
type pace struct{ mean, best time.Duration }

// slow takes how long an answer took, and reports whether answers are slow.
func (p *pace) slow(took time.Duration) bool {
	if p.best == 0 {
		p.mean, p.best = took, took
	}
	p.mean += (took - p.mean) / smoothing
	p.best = min(p.best+p.best/forgetting, p.mean)
	return p.mean > unhurried && p.mean > muchLonger*p.best
}
