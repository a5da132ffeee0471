package trace

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/types"
)

// Bounds of what is remembered.
const (
	maxPushes = 1024
	// young is how long after a push passes are a part of its trace: as long as they
	// may be there for its sake, its rollout included.
	young = 15 * time.Minute
)

// pushes are commits that were heard of lately.
type pushes struct {
	mu       sync.Mutex            // guards all below
	byCommit map[string]trace.Span // the webhook that announced one
	last     []heard               // the newest last
}

// heard is a push, and whose passes it may cause.
type heard struct {
	at   time.Time
	repo string
	span trace.SpanContext
}

// Announced tells that a webhook has announced a commit of a repository. Nobody need
// have signed it, so that it begins a trace and is remembered in a bounded place only.
func (t *Tracer) Announced(from, repo, sha string) {
	if t == nil || sha == "" {
		return
	}
	_, span := t.tracer.Start(context.Background(), "webhook", trace.WithNewRoot(), trace.WithAttributes(
		provider.String(from), repository.String(repo), commit.String(sha)))
	span.End()
	t.pushes.mu.Lock()
	defer t.pushes.mu.Unlock()
	if t.pushes.byCommit == nil || len(t.pushes.byCommit) >= maxPushes {
		t.pushes.byCommit = map[string]trace.Span{}
	}
	if t.pushes.byCommit[sha] == nil {
		t.pushes.byCommit[sha] = span
	}
}

// Moved tells that a revision of a repository was seen to be at a commit.
func (t *Tracer) Moved(repo, name, sha string) {
	if t == nil {
		return
	}
	t.pushes.mu.Lock()
	defer t.pushes.mu.Unlock()
	ctx := context.Background()
	if by := t.pushes.byCommit[sha]; by != nil {
		ctx = trace.ContextWithSpan(ctx, by)
		delete(t.pushes.byCommit, sha)
	}
	_, span := t.tracer.Start(ctx, "push", trace.WithAttributes(repository.String(repo), revision.String(name), commit.String(sha)))
	span.End()
	if len(t.pushes.last) >= maxPushes {
		t.pushes.last = append(t.pushes.last[:0], t.pushes.last[1:]...)
	}
	t.pushes.last = append(t.pushes.last, heard{time.Now(), repo, span.SpanContext()})
}

// Pass begins a pass over an Application, as a part of the trace of the last push to a
// repository that reads says it reads. Passes that no push is behind are not traced.
func (t *Tracer) Pass(ctx context.Context, app types.NamespacedName, reads func(repo string) bool) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	cause, ok := t.pushes.cause(time.Now(), reads)
	if !ok {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpanContext(ctx, cause), "pass", trace.WithAttributes(application.String(app.String()))) //nolint:spancheck // who began it ends it
	return ctx, func(err error) { end(span, err) }                                                                                        //nolint:spancheck // likewise
}

// Found tells what a pass has found.
func Found(ctx context.Context, sync, healthy string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(syncStatus.String(sync), health.String(healthy))
	}
}

// cause is the last push that may be behind a pass.
func (p *pushes) cause(now time.Time, reads func(repo string) bool) (trace.SpanContext, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.last) - 1; i >= 0 && now.Sub(p.last[i].at) < young; i-- {
		if reads(p.last[i].repo) {
			return p.last[i].span, true
		}
	}
	return trace.SpanContext{}, false
}
