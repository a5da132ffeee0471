package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/peers"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"k8s.io/apimachinery/pkg/types"
)

// What replicas ask each other.
const subjectLooks = "looks"

// gather is how long a question waits for others, to be asked with them: many passes have
// one at the same moment, after a commit.
const gather = 30 * time.Millisecond

// Replicas ask each other what they have seen of Applications. It is a reconcile.Replicas.
// Questions are asked while Run runs.
type Replicas struct {
	owns  func(types.NamespacedName) bool
	peers *peers.Peers
	log   *slog.Logger
	asked chan struct{} // holds one if there is a next round

	mu   sync.Mutex // guards next
	next *round
}

// A round is one question to all, for all who had one.
type round struct {
	objects []reconcile.Located
	place   map[reconcile.Located]int
	done    chan struct{} // closed when looks are there
	looks   []reconcile.Look
}

// lookedFor is the question of a round.
type lookedFor struct {
	Objects []reconcile.Located `json:"objects,omitempty"`
}

// NewReplicas returns those of whom this one owns some of the Applications. What it has
// seen of these, looks says.
func NewReplicas(owns func(types.NamespacedName) bool, p *peers.Peers, log *slog.Logger, looks func([]reconcile.Located) []reconcile.Look) *Replicas {
	peers.Answer(p, subjectLooks, func(_ context.Context, q lookedFor) []reconcile.Look { return looks(q.Objects) })
	return &Replicas{owns: owns, peers: p, log: log, asked: make(chan struct{}, 1)}
}

// Mine says whether an Application is this replica's.
func (r *Replicas) Mine(app types.NamespacedName) bool { return r.owns(app) }

// Ask asks the others, and leaves it at that when ctx ends.
func (r *Replicas) Ask(ctx context.Context, objects []reconcile.Located) []reconcile.Look {
	if len(r.peers.Others()) == 0 {
		return nil
	}
	asked := r.join(objects)
	select {
	case <-asked.done:
	case <-ctx.Done():
		return nil
	}
	looks := slices.Clone(asked.looks)
	for i := range looks {
		looks[i].States = nil
		for _, place := range asked.looks[i].States {
			if place < 0 || place >= len(asked.objects) {
				continue
			}
			if own := slices.Index(objects, asked.objects[place]); own >= 0 {
				looks[i].States = append(looks[i].States, own)
			}
		}
	}
	return looks
}

// join adds objects to the round that has not begun yet.
func (r *Replicas) join(objects []reconcile.Located) *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &round{place: map[reconcile.Located]int{}, done: make(chan struct{})}
		select {
		case r.asked <- struct{}{}:
		default:
		}
	}
	for _, o := range objects {
		if _, known := r.next.place[o]; !known {
			r.next.place[o] = len(r.next.objects)
			r.next.objects = append(r.next.objects, o)
		}
	}
	return r.next
}

// Run asks until ctx ends.
func (r *Replicas) Run(ctx context.Context) error {
	for {
		select {
		case <-r.asked:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-time.After(gather):
		case <-ctx.Done():
			return nil
		}
		r.mu.Lock()
		now := r.next
		r.next = nil
		r.mu.Unlock()
		for _, looks := range peers.Each[[]reconcile.Look](ctx, r.peers, subjectLooks, lookedFor{now.objects}, r.silent) {
			now.looks = append(now.looks, looks...)
		}
		close(now.done)
	}
}

// silent tells of a replica that does not answer. It may have ended a moment ago; what
// only it knows is waited for.
func (r *Replicas) silent(m shard.Member, err error) {
	r.log.Debug("a replica does not say what it knows of its Applications", "replica", m.ID, "error", err)
}
