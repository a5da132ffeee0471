package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/peers"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/agent/traffic"
)

// replicas are what this process has to do with the others of the same installation. An
// agent that only looks on has none: it takes part in nothing.
type replicas struct {
	share    *shard.Share
	running  shard.Running // the work on what is this one's
	peers    *peers.Peers
	asking   *agent.Replicas
	listener net.Listener
	site     *site
	lost     atomic.Int64 // when it was not known last what became of a write, in Unix nanoseconds
	released atomic.Int64 // Applications that another works on since
}

// divide makes the part by which the replicas divide the Applications, and has them
// talk to each other.
func (p *parts) divide(cfg *rest.Config) (err error) {
	if p.shadow != nil {
		return nil
	}
	o := p.options
	r := &p.replicas
	if r.peers, err = peers.New(p.log); err != nil {
		return err
	}
	if r.listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", o.replicasListen); err != nil {
		return fmt.Errorf("listen: %w: choose another address by --replicas-listen", err)
	}
	address, err := reachedAt(r.listener.Addr(), o.replicaAddress)
	if err != nil {
		return errors.Join(err, r.listener.Close())
	}
	leases, err := shard.InNamespace(cfg, o.namespace, o.leaseDuration)
	if err != nil {
		return errors.Join(err, r.listener.Close())
	}
	host, err := os.Hostname()
	if err != nil {
		return errors.Join(fmt.Errorf("find out the host's name: %w", err), r.listener.Close())
	}
	r.site = takeSite(host, gitDir(o.cacheDir))
	r.share = shard.New(shard.Config{
		Leases: leases, Name: leaseName(host), Place: r.site.name, Address: address, Print: r.peers.Print(), Term: o.leaseDuration,
		Running: &r.running, Marks: p.marks, CatchUp: p.catchUp, Gained: p.gained, Release: p.release, Log: p.log,
	})
	r.peers.Others = r.share.Others
	r.asking = agent.NewReplicas(r.share.Owns, r.peers, p.log, func(of []reconcile.Located) []reconcile.Look { return p.reconciler.Looks(of) })
	peers.Answer(r.peers, subjectNews, p.heardNews)
	return nil
}

// runReplicas takes part, as soon as there is all that work needs, until ctx ends.
func (p *parts) runReplicas(ctx context.Context) error {
	r := &p.replicas
	if r.alone() {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.peers.Serve(ctx, r.listener) })
	g.Go(func() error { return r.asking.Run(ctx) })
	g.Go(func() error {
		if p.keyring.Wait(ctx) != nil || p.applications.Wait(ctx) != nil {
			return nil //nolint:nilerr // told to end before the first listing
		}
		return r.share.Run(ctx)
	})
	return g.Wait()
}

// alone says that there are no others.
func (r *replicas) alone() bool { return r.share == nil }

// fenced has nothing written by work on what is another replica's.
func (p *parts) fenced(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(traffic.Unbroken(p.writeGrace(), func() { p.replicas.lost.Store(time.Now().UnixNano()) }))
	cfg.Wrap(shard.Fence(p.replicas.owns))
	return cfg
}

// mostUnanswered is how long an API server may be at a request: longer than that, and
// what it did not answer is known by what is there.
const mostUnanswered = time.Minute

// writeGrace is how long a write that is under way may take to be answered when its pass
// is to end: no longer than the others may take this replica to be at it (package shard).
func (p *parts) writeGrace() time.Duration { return p.options.leaseDuration / 12 }

// owns says whether an Application, or an ApplicationSet, is this replica's.
func (r *replicas) owns(name types.NamespacedName) bool { return r.alone() || r.share.Owns(name) }

// settled says that it is known what is this replica's.
func (r *replicas) settled() bool { return r.alone() || r.share.Settled() }

// asked is how to ask the others; nil if there are none.
func (r *replicas) asked() reconcile.Replicas {
	if r.alone() {
		return nil
	}
	return r.asking
}

// release drops what is kept of what falls to others.
func (p *parts) release() {
	p.agent.Release()
	p.sets.Release()
}

// Where marks of replicas are, besides clusters.
const (
	marksOfApplications = "applications"
	marksOfSets         = "applicationsets"
)

// marks are how far this replica has seen; nil if it is not known what became of some
// of its writes.
func (p *parts) marks() shard.Marks {
	if time.Since(time.Unix(0, p.replicas.lost.Load())) < mostUnanswered {
		return nil
	}
	marks := shard.Marks{
		marksOfApplications: {"": p.applications.Newest()}, marksOfSets: {"": p.sets.Newest()},
		inCluster.Server: p.cluster.Newest(),
	}
	maps.Copy(marks, p.engine.destinations.Newest())
	return marks
}

// catchUp makes sure that what others have done is known: what they have told of, by the
// watches; and else by lists.
func (p *parts) catchUp(ctx context.Context, gain shard.Gain) error {
	for _, marks := range gain.Seen {
		if err := p.applications.Await(ctx, marks[marksOfApplications][""]); err != nil {
			return err
		}
		if err := p.sets.Await(ctx, marks[marksOfSets][""]); err != nil {
			return err
		}
	}
	if p.untold(gain) {
		return p.listAnew(ctx, gain)
	}
	g, ctx := errgroup.WithContext(ctx)
	seen := make([]map[string]map[string]string, len(gain.Seen))
	for i, marks := range gain.Seen {
		seen[i] = marks
		g.Go(func() error {
			return p.cluster.Await(ctx, marks[inCluster.Server], p.reconciler.Instances(gain.Has))
		})
	}
	g.Go(func() error { p.engine.destinations.CatchUp(ctx, seen); return nil })
	return g.Wait()
}

// untold says that nobody has told of some of what is gained.
func (p *parts) untold(gain shard.Gain) bool {
	untold := func(name types.NamespacedName) bool { return gain.Has(name) && !gain.Told(name) }
	return len(p.reconciler.Instances(untold)) > 0 || slices.ContainsFunc(p.sets.List(), func(set *api.ApplicationSet) bool {
		return untold(types.NamespacedName{Namespace: set.Namespace, Name: set.Name})
	})
}

// listAnew has all that is gained be known as of now, whoever had it.
func (p *parts) listAnew(ctx context.Context, gain shard.Gain) error {
	p.engine.destinations.Renew()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := p.applications.Refresh(ctx); err != nil {
			return err
		}
		return p.cluster.Refresh(ctx, p.reconciler.Instances(gain.Has))
	})
	g.Go(func() error { return p.sets.CatchUp(ctx) })
	return g.Wait()
}

// gained begins the work on what has fallen to this replica.
func (p *parts) gained(gained func(types.NamespacedName) bool) {
	p.agent.Gained(gained)
	p.sets.Gained(gained)
}

// released forgets what was counted of an Application that another works on.
func (p *parts) released(app types.NamespacedName) {
	p.replicas.released.Add(1)
	p.metrics.Forget(app.Namespace, app.Name)
}

// ownSets are the ApplicationSets that this replica works on.
func (p *parts) ownSets() (own []*api.ApplicationSet) {
	for _, set := range p.sets.List() {
		if p.replicas.owns(types.NamespacedName{Namespace: set.Namespace, Name: set.Name}) {
			own = append(own, set)
		}
	}
	return own
}

// gauges are the metrics of replicas.
func (r *replicas) gauges(p *parts) []metrics.Number {
	if p.shadow != nil {
		return nil
	}
	return []metrics.Number{
		{Name: "tidelock_replicas", Help: "Replicas that divide the Applications, as this one sees it, which is one of them.", Value: func() float64 { return float64(1 + len(r.share.Others())) }},
		{Name: "tidelock_owned_applications", Help: "Applications that this replica works on.", Value: func() float64 { return float64(len(p.agent.Owned())) }},
	}
}

// reachedAt is the address at which others reach a listener.
func reachedAt(listening net.Addr, host string) (string, error) {
	at, err := netip.ParseAddrPort(listening.String())
	if err != nil {
		return "", fmt.Errorf("listen for replicas at %s: %w", listening, err)
	}
	if host == "" && at.Addr().IsUnspecified() {
		host = ownAddress()
	}
	if host == "" {
		host = at.Addr().String()
	}
	return net.JoinHostPort(host, fmt.Sprint(at.Port())), nil
}

// ownAddress is one of this machine's that others can reach; "" if it has none.
func ownAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	return ""
}

var notInHosts = regexp.MustCompile(`[^a-z0-9]+`)

// maxHost leaves room in an object's name for what tells terms apart.
const maxHost = 200

// leaseName is a host's name as the beginning of an object's.
func leaseName(host string) string {
	name := strings.Trim(notInHosts.ReplaceAllString(strings.ToLower(host), "-"), "-")
	if name == "" {
		return "tidelock"
	}
	return name[:min(len(name), maxHost)]
}

// shortestLease is as short as one may be that clocks and networks cannot make nonsense of.
const shortestLease = 2 * time.Second
