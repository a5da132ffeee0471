package destinations

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"github.com/tidelock-io/tidelock/agent/values"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// The pauses between tries to reach a cluster that does not answer.
const (
	firstPause = time.Second
	mostPause  = 30 * time.Second
)

// renewWithin bounds the listing of what a cluster serves, and of all that is followed.
const renewWithin = time.Minute

var (
	errLetGo   = errors.New("the connection to the cluster is given up")
	errRenewed = errors.New("the connection to the cluster is made anew")
)

// A link is what the agent has of one cluster other than its own.
type link struct {
	of    *Clusters
	wire  *wire
	news  bell // rung when its Secret has changed
	stale bell // rung when what is known of it may be out of date

	Target
	view    View
	looker  *cluster.Looker
	follows *values.Follower
	runs    *keyring.Controllers
	bounds  string        // of the login that it was made for
	settled chan struct{} // closed when it is known for the first time whether it answers
	once    sync.Once

	mu    sync.Mutex // guards all below
	entry entry
	state state
	since time.Time // of the state
	err   error     // why it is lost
	told  bool      // its Applications were woken since it is lost
}

// A state is whether a cluster answers.
type state int

const (
	connecting state = iota
	up
	lost
)

// newLink makes the clients of a cluster, and asks it nothing.
func newLink(of *Clusters, e entry, rules cluster.Rules) (*link, error) {
	address := of.login(&e).server
	l := &link{
		of: of, wire: newWire(address.Host), news: make(bell, 1), stale: make(bell, 1), settled: make(chan struct{}),
		entry: e, since: time.Now(), bounds: fmt.Sprint(e.login.bounds),
	}
	server := e.Server
	cfg := &rest.Config{Host: address.String(), Transport: l.wire, QPS: -1, UserAgent: of.UserAgent}
	if of.Guard != nil {
		cfg = of.Guard(cfg)
	}
	if of.Told != nil {
		cfg.Wrap(traffic.Told(server, of.Told))
	}
	if of.Measured != nil {
		cfg.Wrap(traffic.Measured(of.Measured))
	}
	log := of.Log.With("cluster", e.Name)
	var err error
	if l.Cluster, err = cluster.New(cfg, log, cluster.Listeners{
		Changed: func(app string, drifted bool) { of.Changed(server, app, drifted) },
		Served:  func() { of.Wake(server) },
	}); err != nil {
		return nil, err
	}
	l.Cluster.Confine(e.login.bounds)
	l.Cluster.Configure(rules)
	if l.Apply, err = apply.New(cfg, l.Cluster, log); err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	if l.runs, err = keyring.NewControllers(cfg, log, func() { of.Wake(server) }); err != nil {
		return nil, err
	}
	l.follows = values.NewFollower(client.CoreV1(), of.Used)
	l.Live, l.Marks, l.looker = l.follows, l.Cluster.Marks, l.Cluster.Looker(cfg)
	l.view = View{cluster.Objects{Cluster: l.Cluster, Client: client}, l.runs.Controlled}
	return l, nil
}

// run keeps in touch with the cluster until ctx ends.
func (l *link) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.Cluster.Run(ctx) })
	g.Go(func() error { return l.follows.Run(ctx) })
	g.Go(func() error { return l.runs.Run(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		l.wire.closes(fmt.Errorf("%w: %w", ErrNoCluster, errLetGo))
		return nil
	})
	g.Go(func() error {
		for tries := 0; ctx.Err() == nil; tries++ {
			if err := l.greet(ctx); err != nil {
				l.lose(ctx, err)
				if l.rest(ctx, tries); l.stays() {
					l.tell()
				}
				continue
			}
			tries = -1
			l.won()
			if err := l.listen(ctx); !errors.Is(err, errRenewed) {
				l.lose(ctx, err)
			}
		}
		return nil
	})
	return g.Wait()
}

// greet connects, and finds out what the cluster serves. What is known of a cluster that
// was away is listed anew before anybody acts on it: its watches may take a while to go
// on, and another process may have written meanwhile.
func (l *link) greet(ctx context.Context) error {
	first, cancel := context.WithTimeoutCause(ctx, l.of.Timeout, l.late())
	defer cancel()
	if err := l.connect(); err != nil {
		return err
	}
	if err := l.ask(first); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeoutCause(probe(ctx), renewWithin, fmt.Errorf("what it serves, and what is there, is not known within %s", renewWithin))
	defer cancel()
	if err := l.Cluster.Discover(ctx); err != nil {
		return causeOf(ctx, err)
	}
	if err := l.Cluster.RefreshAll(ctx); err != nil {
		return causeOf(ctx, err)
	}
	l.wire.opens()
	if !l.Cluster.Serves(schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}) {
		return nil
	}
	return l.runs.Wait(ctx) // else a controller and we would make the same Secrets
}

func (l *link) late() error { return fmt.Errorf("no answer within %s", l.of.Timeout) }

// connect takes another connection, by the Secret as it is now.
func (l *link) connect() error {
	login := l.of.login(new(l.now()))
	inner, idle, err := login.dial(l.of.Timeout, l.of.LoggedIn)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrSecret, login.secret, err)
	}
	l.wire.replace(inner, idle)
	return nil
}

// ask asks whether the cluster answers.
func (l *link) ask(ctx context.Context) error {
	response, err := ask(ctx, l.wire, l.of.login(new(l.now())))
	if err == nil {
		err = response.Body.Close()
	}
	return err
}

// listen returns when the cluster does not answer any more, and why. Nothing is asked as
// long as anything comes.
func (l *link) listen(ctx context.Context) error {
	pause := l.of.Timeout / 4
	for {
		timer := time.NewTimer(pause + rand.N(pause/4+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-l.news:
			timer.Stop()
			if err := l.connect(); err != nil {
				return err
			}
			l.wire.severs(errRenewed)
		case <-l.stale:
			timer.Stop()
			return errRenewed
		case <-l.wire.suspect:
			timer.Stop()
		case <-timer.C:
			if l.wire.silence() < pause {
				continue
			}
		}
		if err := l.doubt(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// doubt asks whether the cluster is there: on the connection that there is, and then on
// another, for it may be the connection that is dead.
func (l *link) doubt(ctx context.Context) error {
	first, cancel := context.WithTimeout(ctx, l.of.Timeout/4)
	err := l.ask(first)
	cancel()
	if err == nil {
		return nil
	}
	second, cancel := context.WithTimeoutCause(ctx, l.of.Timeout/2, l.late())
	defer cancel()
	if err := l.connect(); err != nil {
		return err
	}
	if err := l.ask(second); err != nil {
		return err
	}
	l.wire.severs(errRenewed)
	return nil
}

// won notes that the cluster answers, and has its Applications looked at.
func (l *link) won() {
	l.mu.Lock()
	was := l.state
	took := time.Since(l.since).Round(time.Millisecond)
	l.state, l.since, l.err, l.told = up, time.Now(), nil, false
	server, name := l.entry.Server, l.entry.Name
	l.mu.Unlock()
	if was == lost {
		l.of.Log.Info("a cluster answers again", "cluster", name, "server", server, "away", took)
	} else {
		l.of.Log.Info("connected to a cluster", "cluster", name, "server", server)
	}
	l.once.Do(func() { close(l.settled) })
	l.of.Wake(server)
}

// lose notes that the cluster does not answer. Its Applications are told if they wait to
// hear of it, or if it stays so.
func (l *link) lose(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	was := l.state
	if was != lost {
		l.since = time.Now()
	}
	l.state, l.err = lost, l.entry.unreachable(err)
	server, told := l.entry.Server, l.err
	l.mu.Unlock()
	l.wire.closes(told)
	if was == lost {
		return
	}
	l.of.Log.Warn("a cluster does not answer, its Applications wait for it", "server", server, "error", told)
	if was == connecting {
		l.tell()
	}
}

// tell has the Applications of a cluster that is lost say so, once.
func (l *link) tell() {
	l.mu.Lock()
	told, server := l.told, l.entry.Server
	l.told = true
	l.mu.Unlock()
	if !told {
		l.once.Do(func() { close(l.settled) })
		l.of.Wake(server)
	}
}

// stays says that the cluster has been lost for so long that it is worth saying: a server
// that restarts is back before.
func (l *link) stays() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == lost && time.Since(l.since) > l.of.Timeout
}

// rest waits until the next try.
func (l *link) rest(ctx context.Context, tries int) {
	pause := min(mostPause, firstPause<<min(tries, 10))
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.news:
	case <-timer.C:
	}
}

// now is what its Secret says.
func (l *link) now() entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entry
}

// learn takes another version of the Secret.
func (l *link) learn(e entry) {
	l.mu.Lock()
	changed := l.entry.Version != e.Version
	l.entry = e
	l.mu.Unlock()
	if changed {
		l.news.ring()
	}
}

// distrust has the cluster be looked at anew before any pass goes on.
func (l *link) distrust() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == up {
		l.state, l.since = connecting, time.Now()
		l.stale.ring()
	}
}

// reach is Clusters.Reach.
func (l *link) reach() (Target, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.state {
	case up:
		return l.Target, nil
	case connecting:
		return Target{}, ErrConnecting
	}
	return Target{}, l.err
}

// status says whether the cluster answers, since when, and why not.
func (l *link) status() (connected bool, since time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == up, l.since, l.err
}
