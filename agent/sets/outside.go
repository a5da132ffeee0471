package sets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// A server that hangs is waited for as long as its deadline says, and many sets may ask
// it. So a pass that asks one is none of the [workers] meanwhile: it leaves its seat to
// the next. How many wait for one server is bounded, too. Beyond that a pass does not
// wait at all: it ends, and is made again when a place is free. So sets that ask nobody,
// or another server, go on.

const (
	// askingOne is how many sets ask one server at once, and askingAll how many all.
	askingOne = 4
	askingAll = 32
	// patience is how long a set waits for a place until its status says so.
	patience = time.Minute
)

// errCrowded is in errors of passes that are put off.
var errCrowded = errors.New("others ask it, too")

// An outside is who asks which servers.
type outside struct {
	mu      sync.Mutex // guards all below
	asking  map[string]int
	all     int
	waiting []waiting // for places, the first for the longest
}

// A waiting is a set that was put off.
type waiting struct {
	set    types.NamespacedName
	server string
	since  time.Time
	told   bool // a pass was asked for, for there is a place
}

// enter takes a place at a server. If there is none, the set is put off, and an error
// says since when.
func (o *outside) enter(set types.NamespacedName, server string, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.free(server) {
		o.asking[server]++
		o.all++
		o.waiting = slices.DeleteFunc(o.waiting, func(w waiting) bool { return w.set == set })
		return nil
	}
	i := slices.IndexFunc(o.waiting, func(w waiting) bool { return w.set == set })
	if i < 0 {
		o.waiting = append(o.waiting, waiting{set: set, since: now})
		i = len(o.waiting) - 1
	}
	o.waiting[i].server, o.waiting[i].told = server, false
	return &crowded{server: server, since: o.waiting[i].since}
}

// free says that one more may ask a server. The caller holds mu.
func (o *outside) free(server string) bool { return o.all < askingAll && o.asking[server] < askingOne }

// leave gives a place back, and returns the set that is to have it, if one waits for it.
func (o *outside) leave(server string) (next types.NamespacedName, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all--
	if o.asking[server]--; o.asking[server] == 0 {
		delete(o.asking, server)
	}
	return o.next()
}

// forget drops a set that waits for nothing any more. If it was to have a place, another
// one is.
func (o *outside) forget(set types.NamespacedName) (next types.NamespacedName, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.waiting, func(w waiting) bool { return w.set == set })
	if i < 0 {
		return next, false
	}
	told := o.waiting[i].told
	o.waiting = slices.Delete(o.waiting, i, i+1)
	if !told {
		return next, false
	}
	return o.next()
}

// next is the set that has waited the longest for a place that is free. The caller holds
// mu.
func (o *outside) next() (next types.NamespacedName, ok bool) {
	i := slices.IndexFunc(o.waiting, func(w waiting) bool { return !w.told && o.free(w.server) })
	if i < 0 {
		return next, false
	}
	o.waiting[i].told = true
	return o.waiting[i].set, true
}

// A crowded is why a pass is put off.
type crowded struct {
	server string
	since  time.Time
}

func (c *crowded) Error() string {
	return fmt.Sprintf("%s is not asked yet: other ApplicationSets wait for its answers, and this one has waited for its turn since %s", c.server, c.since.UTC().Format(time.RFC3339))
}

func (c *crowded) Unwrap() error { return errCrowded }

// ask has a server asked. The pass gives up its seat meanwhile.
func ask[T any](ctx context.Context, p *pass, server string, question func() (T, error)) (answer T, err error) {
	if err := p.c.outside.enter(p.name, server, p.now.Time); err != nil {
		return answer, err
	}
	defer func() { p.c.wake(p.c.outside.leave(server)) }()
	p.rise()
	defer func() { err = errors.Join(err, p.sit(ctx)) }()
	return question()
}

// wake asks for a pass over a set that was put off.
func (c *Controller) wake(set types.NamespacedName, ok bool) {
	if ok {
		c.queue.Add(set)
	}
}

// sit takes a seat, of which there are as many as workers.
func (p *pass) sit(ctx context.Context) error {
	select {
	case p.c.seats <- struct{}{}:
		p.seated = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rise leaves it, if the pass has one.
func (p *pass) rise() {
	if p.seated {
		<-p.c.seats
		p.seated = false
	}
}

// putOff says that a pass is to be made again when a server has a place for it, and
// that nothing is to be said of that yet.
func (p *pass) putOff(err error) bool {
	var c *crowded
	if !errors.As(err, &c) {
		p.c.wake(p.c.outside.forget(p.name))
		return false
	}
	p.renew = false // not yet, that is
	p.log.Debug("put off", "reason", c.Error())
	return p.now.Sub(c.since) < patience
}
