package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/errgroup"
)

// Limits of what waits to be sent: in all, to one service, and of a namespace that has
// services of its own.
const (
	maxWaiting = 2000
	maxLane    = 500
	maxOwn     = 100
)

const (
	// grace is how long it goes on sending when it is told to end.
	grace = 5 * time.Second
	// tickEvery is as often as Argo CD evaluates triggers that depend on the time.
	tickEvery = time.Minute
)

// pauses are how long it waits before it tries again.
var pauses = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute}

// A letter is a message on its way.
type letter struct {
	Message
	app    *api.Application
	config *Config
	tries  int
}

// lane is what the letter waits in: of one service, or of all of a namespace that has
// services of its own. No namespace has another one wait.
func (l *letter) lane() string {
	if l.config == nil || l.config.own == "" {
		return l.To.Service
	}
	return l.config.own + "/"
}

// A post sends letters: one at a time to a service, so that they come in their order,
// and no service waits for another.
type post struct {
	pauses  []time.Duration
	send    func(context.Context, *letter) error
	outcome func(*letter, error)
	news    chan struct{} // holds one if there is something to begin with

	mu      sync.Mutex // guards all below
	lanes   map[string]*lane
	resting map[*letter]*time.Timer // that are to be tried again
	count   int                     // of letters, those too that rest
	closed  bool
}

// A lane is what waits for one service, whose letter before is under way or not.
type lane struct {
	waiting []*letter
	busy    bool
}

func newPost(send func(context.Context, *letter) error, outcome func(*letter, error)) *post {
	return &post{pauses: pauses, send: send, outcome: outcome, news: make(chan struct{}, 1), lanes: map[string]*lane{}, resting: map[*letter]*time.Timer{}}
}

func (p *post) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Why a message is not sent at all.
var (
	errCrowded = errors.New("too many messages wait to be sent")
	errEnded   = errors.New("the agent ended before it could be tried again")
)

// add has a letter sent. It does not wait.
func (p *post) add(l *letter) {
	p.mu.Lock()
	p.count++
	crowded := p.count > maxWaiting || !p.line(l)
	p.mu.Unlock()
	if crowded {
		p.done(l, errCrowded)
		return
	}
	p.signal()
}

// line puts a letter into its lane, if there is room. The caller holds mu.
func (p *post) line(l *letter) bool {
	at, most := p.lanes[l.lane()], maxLane
	if at == nil {
		at = &lane{}
		p.lanes[l.lane()] = at
	}
	if l.config != nil && l.config.own != "" {
		most = maxOwn
	}
	if len(at.waiting) >= most {
		return false
	}
	at.waiting = append(at.waiting, l)
	return true
}

func (p *post) signal() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// done ends a letter.
func (p *post) done(l *letter, err error) {
	p.mu.Lock()
	p.count--
	p.mu.Unlock()
	p.outcome(l, err)
}

// run sends until ctx ends, and tick is called now and then; after that it sends for a
// moment longer what waits, and tries nothing again.
func (p *post) run(ctx context.Context, tick func()) error {
	g := &errgroup.Group{}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-p.news:
			p.begin(ctx, g)
		case <-ticker.C:
			tick()
		case <-ctx.Done():
		}
	}
	p.close()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for ending.Err() == nil && p.begin(ending, g) {
		select {
		case <-p.news:
		case <-ending.Done():
		}
	}
	err := g.Wait()
	p.drop()
	return err
}

// close lets go of what is to be tried again.
func (p *post) close() {
	p.mu.Lock()
	p.closed = true
	resting := p.resting
	p.resting = nil
	p.mu.Unlock()
	for l, timer := range resting {
		if timer.Stop() {
			p.done(l, errEnded)
		}
	}
}

// drop lets go of what is left.
func (p *post) drop() {
	p.mu.Lock()
	lanes := p.lanes
	p.lanes = map[string]*lane{}
	p.mu.Unlock()
	for _, at := range lanes {
		for _, l := range at.waiting {
			p.done(l, errEnded)
		}
	}
}

// begin sends the next letter of each lane that is free, and says whether there is
// anything left to do.
func (p *post) begin(ctx context.Context, g *errgroup.Group) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for service, at := range p.lanes {
		switch {
		case at.busy:
		case len(at.waiting) == 0:
			delete(p.lanes, service)
		default:
			l := at.waiting[0]
			at.waiting, at.busy = at.waiting[1:], true
			g.Go(func() error {
				p.deliver(ctx, l)
				p.free(at)
				return nil
			})
		}
	}
	return len(p.lanes) > 0
}

func (p *post) free(at *lane) {
	p.mu.Lock()
	at.busy = false
	p.mu.Unlock()
	p.signal()
}

// deliver sends a letter, and has it sent again later if that may help.
func (p *post) deliver(ctx context.Context, l *letter) {
	err := p.send(ctx, l)
	if err == nil || !again(err) || l.tries >= len(p.pauses) {
		p.done(l, err)
		return
	}
	pause := p.pauses[l.tries]
	l.tries++
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.resting[l] = time.AfterFunc(pause, func() { p.retry(l) })
	}
	p.mu.Unlock()
	if closed {
		p.done(l, errors.Join(err, errEnded))
	}
}

// retry puts a letter back.
func (p *post) retry(l *letter) {
	p.mu.Lock()
	delete(p.resting, l)
	err := errCrowded
	if p.closed {
		err = errEnded
	} else if p.line(l) {
		err = nil
	}
	p.mu.Unlock()
	if err != nil {
		p.done(l, err)
		return
	}
	p.signal()
}
