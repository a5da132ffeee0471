package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// A replica is a life among others, with which it divides the Applications by their
// Leases. It asks them without a network.
type replica struct {
	w    *world
	name string

	mu         sync.Mutex // guards all below
	share      *shard.Share
	reconciler *reconcile.Reconciler
	lost       time.Time // when it was not known last what became of a write
}

// join makes what takes part in the division, and returns what runs it.
func (r *replica) join(cfg *rest.Config, a *agent.Agent, reconciler *reconcile.Reconciler, applications *agent.Applications, live *cluster.Cluster, log *slog.Logger) (func(context.Context) error, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.ContentType, cfg.AcceptContentTypes = "application/json", "application/json" // the server has no other
	leases, err := shard.InNamespace(cfg, agentNamespace, shard.DefaultTerm)
	if err != nil {
		return nil, err
	}
	share := shard.New(shard.Config{
		Leases: leases, Name: r.name, Place: r.name, Term: shard.DefaultTerm, Log: log,
		Running: a.Running, Gained: a.Gained, Release: a.Release, CatchUp: func(ctx context.Context, gain shard.Gain) error {
			return catchUp(ctx, gain, reconciler, applications, live)
		},
		Marks: func() shard.Marks {
			if r.hasLost() {
				return nil
			}
			return shard.Marks{"applications": {"": applications.Newest()}, "live": live.Newest()}
		},
	})
	r.mu.Lock()
	r.share, r.reconciler = share, reconciler
	r.mu.Unlock()
	a.Owns = r.Mine
	return func(ctx context.Context) error {
		if applications.Wait(ctx) != nil {
			return nil // told to end before the first listing
		}
		r.w.joins(r)
		defer r.w.leaves(r)
		return share.Run(ctx)
	}, nil
}

// catchUp is that of cmd/tidelock.
func catchUp(ctx context.Context, gain shard.Gain, reconciler *reconcile.Reconciler, applications *agent.Applications, live *cluster.Cluster) error {
	for _, marks := range gain.Seen {
		if err := applications.Await(ctx, marks["applications"][""]); err != nil {
			return err
		}
	}
	if len(reconciler.Instances(func(app types.NamespacedName) bool { return gain.Has(app) && !gain.Told(app) })) > 0 {
		if err := applications.Refresh(ctx); err != nil {
			return err
		}
		return live.Refresh(ctx, reconciler.Instances(gain.Has))
	}
	for _, marks := range gain.Seen {
		if err := live.Await(ctx, marks["live"], reconciler.Instances(gain.Has)); err != nil {
			return err
		}
	}
	return nil
}

// loses notes that it is not known what became of a write.
func (r *replica) loses() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = time.Now()
}

func (r *replica) hasLost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.lost) < time.Minute
}

// Mine and Ask make it a reconcile.Replicas.
func (r *replica) Mine(app types.NamespacedName) bool {
	r.mu.Lock()
	share := r.share
	r.mu.Unlock()
	return share != nil && share.Owns(app)
}

func (r *replica) Ask(ctx context.Context, objects []reconcile.Located) (looks []reconcile.Look) {
	for i, other := range r.w.others(r) {
		took := time.Duration(hash(r.w.seed, r.name, i, time.Now().UnixNano()) % uint64(300*time.Millisecond))
		if pause(ctx, took) != nil {
			return looks
		}
		if took%10 == 0 && !r.w.isCalm() {
			continue // it does not answer
		}
		looks = append(looks, other.reconciler.Looks(objects)...)
	}
	return looks
}

func (w *world) joins(r *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replicas = append(w.replicas, r)
}

func (w *world) leaves(r *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replicas = slices.DeleteFunc(w.replicas, func(other *replica) bool { return other == r })
}

func (w *world) others(r *replica) []*replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.replicas), func(other *replica) bool { return other == r })
}

// simulateReplicas lives through a seed with several replicas, which are killed and told
// to end, and come again.
func simulateReplicas(ctx context.Context, seed uint64) *world {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newRun(ctx, seed)
	defer r.end()
	for i := range 3 {
		name := fmt.Sprint("more", i)
		r.apps = append(r.apps, name)
		r.writers[name] = &writer{Rand: r.Rand, dir: name, kept: map[string]bool{}}
		r.application(name, r.policy)
	}
	r.commits(0)
	for i := range 2 + r.IntN(2) {
		r.superviseReplica(fmt.Sprint("replica", i), rand.New(rand.NewPCG(seed, uint64(100+i))))
	}
	r.schedule()
	r.schedule()
	r.pass(r.until)
	r.calm()
	r.repair()
	r.settles()
	return r.world
}

// superviseReplica starts a replica again and again: at times it is killed, at times told
// to end, and at times it dies at a request.
func (r *run) superviseReplica(name string, random *rand.Rand) {
	go func() {
		for n := 0; r.ctx.Err() == nil && !r.over(); n++ {
			if pause(r.ctx, time.Duration(random.IntN(20_000))*time.Millisecond) != nil {
				return
			}
			l := r.bootAs(&replica{w: r.world, name: name}, r.death(n+int(hash(r.seed, name)%1000)*7))
			for ended := false; !ended; {
				select {
				case <-l.ended:
					ended = true
				case <-r.ctx.Done():
					return
				case <-time.After(time.Duration(10_000+random.IntN(30_000)) * time.Millisecond):
					if r.isCalm() {
						continue
					}
					if kill := random.IntN(2) == 0; kill {
						r.story.tell("world", "kill -9 of %s", name)
						l.kill()
					} else {
						r.story.tell("world", "%s is told to end", name)
						l.cancel()
					}
				}
			}
		}
	}()
}
