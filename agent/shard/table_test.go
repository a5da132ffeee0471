package shard

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A clock is that of one process, and runs at a rate of its own. A process that is
// stopped reads it when it goes on.
type clock struct {
	rate  float64
	began time.Time

	mu      sync.Mutex // guards all below
	stopped chan struct{}
	last    time.Time // when it was stopped last
}

func newClock(rate float64) *clock { return &clock{rate: rate, began: time.Now()} }

// awake returns when the process is not stopped.
func (c *clock) awake() {
	for {
		c.mu.Lock()
		stopped := c.stopped
		c.mu.Unlock()
		if stopped == nil {
			return
		}
		<-stopped
	}
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped == nil {
		c.stopped, c.last = make(chan struct{}), time.Now()
	}
}

func (c *clock) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped != nil {
		close(c.stopped)
		c.stopped = nil
	}
}

// stoppedSince says that the process was stopped at or after some time.
func (c *clock) stoppedSince(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped != nil || !c.last.Before(t)
}

// Now and After make it a Clock.
func (c *clock) Now() time.Time {
	c.awake()
	return c.began.Add(time.Duration(float64(time.Since(c.began)) * c.rate))
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	time.AfterFunc(time.Duration(float64(d)/c.rate)+time.Microsecond, func() { fired <- c.Now() })
	return fired
}

// A table is an API server's Leases: what is written is in one order, is told of in
// that order and late, and may be lost on the way there or back.
type table struct {
	t  *testing.T
	mu sync.Mutex
	// guarded by mu
	random  *rand.Rand
	rows    map[string]Member
	log     []event
	version int
	calm    bool          // no message takes very long any more
	even    time.Duration // how long each takes, if that is not left to chance
	more    chan struct{} // closed when log has grown
}

type event struct {
	member  Member
	deleted bool
}

func newTable(t *testing.T, random *rand.Rand) *table {
	return &table{t: t, random: random, rows: map[string]Member{}, more: make(chan struct{})}
}

func (l *table) wrote(e event) {
	l.log = append(l.log, e)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *table) chance(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.IntN(n)
}

// a line to the table is a replica's own.
type line struct {
	*table
	clock *clock
	cut   *bool // nothing gets through; guarded by table.mu
}

var errCut = errors.New("connection refused")

// late waits as long as a message takes, which is now and then very long.
func (l line) late(ctx context.Context) error {
	l.mu.Lock()
	took, cut := time.Duration(l.random.ExpFloat64()*float64(30*time.Millisecond)), *l.cut
	if !l.calm && l.random.IntN(100) == 0 {
		took += time.Duration(l.random.IntN(20_000)) * time.Millisecond
	}
	if l.even > 0 {
		took = l.even
	}
	l.mu.Unlock()
	if cut {
		return errCut
	}
	select {
	case <-time.After(took):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask does something there, and may lose the question or the answer. What was sent is
// done though who sent it was stopped.
func (l line) ask(ctx context.Context, do func() (Member, error)) (Member, error) {
	l.clock.awake()
	defer l.clock.awake()
	if err := l.late(ctx); err != nil {
		return Member{}, err
	}
	l.mu.Lock()
	made, err := do()
	l.mu.Unlock()
	if late := l.late(ctx); late != nil {
		return Member{}, late
	}
	return made, err
}

func (l line) put(m Member) Member {
	l.version++
	m.Version = strconv.Itoa(l.version)
	l.rows[m.ID] = m
	l.wrote(event{member: m})
	return m
}

func (l line) Create(ctx context.Context, m Member) (Member, error) {
	return l.ask(ctx, func() (Member, error) { return l.put(m), nil })
}

func (l line) Renew(ctx context.Context, m Member) (Member, error) {
	return l.ask(ctx, func() (Member, error) {
		if _, ok := l.rows[m.ID]; !ok {
			return Member{}, errGone
		}
		return l.put(m), nil
	})
}

func (l line) Delete(ctx context.Context, m Member) error {
	_, err := l.ask(ctx, func() (Member, error) {
		row, ok := l.rows[m.ID]
		switch {
		case !ok:
			return Member{}, errGone
		case m.Version != "" && m.Version != row.Version:
			return Member{}, errChanged
		}
		delete(l.rows, m.ID)
		l.wrote(event{row, true})
		return Member{}, nil
	})
	return err
}

func (l line) Follow(ctx context.Context, to Follower) {
	for l.late(ctx) != nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
	l.mu.Lock()
	var all []Member
	for _, m := range l.rows {
		all = append(all, m)
	}
	next := len(l.log)
	l.mu.Unlock()
	l.clock.awake()
	to.Listed(all)
	for ctx.Err() == nil {
		l.mu.Lock()
		more, news := l.more, l.log[next:]
		next = len(l.log)
		l.mu.Unlock()
		for _, e := range news {
			for l.late(ctx) != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
			}
			l.clock.awake()
			if e.deleted {
				to.Deleted(e.member)
			} else {
				to.Seen(e.member)
			}
		}
		if len(news) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}
