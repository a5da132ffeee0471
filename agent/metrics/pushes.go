package metrics

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
)

// maxPushes is how many commits are remembered that came in.
const maxPushes = 1024

// maxApplied is for how many commits it is remembered of an Application that it has
// applied them.
const maxApplied = 8

// How a commit was heard of.
const (
	byWebhook = "webhook"
	byPoll    = "poll"
)

// pushes measures the time from when a commit was heard of until it was applied. An
// Application counts once for each commit, if it was synced by itself: what waits
// for a person says nothing of the agent.
type pushes struct {
	took *prometheus.HistogramVec
	now  func() time.Time

	mu    sync.Mutex // guards all below
	heard map[string]push
	order []string                          // the oldest first
	last  map[types.NamespacedName][]string // commits that each has applied last
}

// A push is a commit that was heard of.
type push struct {
	at time.Time
	by string
}

func newPushes() *pushes {
	return &pushes{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tidelock_push_to_applied_seconds", Help: "Time from when a commit was heard of until an Application was synced to it, by how it was heard of.",
			Buckets: []float64{0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900},
		}, []string{"heard"}),
		now: time.Now, heard: map[string]push{}, last: map[types.NamespacedName][]string{},
	}
}

func (p *pushes) collectors() []prometheus.Collector { return []prometheus.Collector{p.took} }

// Announced notes that a webhook has told of a commit.
func (m *Metrics) Announced(sha string) { m.pushes.hear(sha, byWebhook) }

// Moved notes that a revision was seen to be at a commit.
func (m *Metrics) Moved(sha string) { m.pushes.hear(sha, byPoll) }

// hear notes when a commit was heard of first.
func (p *pushes) hear(sha, by string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.heard[sha]; known || sha == "" {
		return
	}
	if len(p.order) >= maxPushes {
		delete(p.heard, p.order[0])
		p.order = slices.Delete(p.order, 0, 1)
	}
	p.heard[sha] = push{at: p.now(), by: by}
	p.order = append(p.order, sha)
}

// applied notes that an Application was synced.
func (p *pushes) applied(app *api.Application, op *api.OperationState) {
	if !op.Operation.InitiatedBy.Automated || op.SyncResult == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	for _, sha := range append([]string{op.SyncResult.Revision}, op.SyncResult.Revisions...) {
		heard, known := p.heard[sha]
		if !known || slices.Contains(p.last[name], sha) {
			continue
		}
		p.took.WithLabelValues(heard.by).Observe(p.now().Sub(heard.at).Seconds())
		had := append(p.last[name], sha)
		p.last[name] = had[max(0, len(had)-maxApplied):]
	}
}

// forget drops what is kept of an Application that is gone.
func (p *pushes) forget(app types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last, app)
}
