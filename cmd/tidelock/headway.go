package main

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A headway says on a terminal how much of a work is done, once it has taken a second:
// for what ends side by side.
type headway struct {
	screen *screen
	what   string // "rendered"
	of     int
	done   atomic.Int64

	stop    chan struct{}
	showing errgroup.Group
}

// How long a work may take until it is told of, and how often it is told then.
const (
	unspoken = time.Second
	spoken   = 200 * time.Millisecond
)

// headway begins one. Nothing else may print on the screen until its end.
func (s *screen) headway(what string, of int) *headway {
	t := &headway{screen: s, what: what, of: of, stop: make(chan struct{})}
	if s.live {
		t.showing.Go(t.show)
	}
	return t
}

// one more is done.
func (t *headway) one() { t.done.Add(1) }

// end clears the line.
func (t *headway) end() {
	close(t.stop)
	_ = t.showing.Wait() // it only shows
	t.screen.clear()
}

func (t *headway) show() error {
	wait := time.NewTimer(unspoken)
	defer wait.Stop()
	for {
		select {
		case <-t.stop:
			return nil
		case <-wait.C:
			t.screen.state("%d of %d %s", t.done.Load(), t.of, t.what)
			wait.Reset(spoken)
		}
	}
}
