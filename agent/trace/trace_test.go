package trace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/types"
)

// receiver is a collector, as those of people are.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex // guards spans
	spans []*otlp.Span
}

func (r *receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range request.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// receive runs a collector until the test ends.
func receive(t *testing.T) (r *receiver, endpoint string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r = &receiver{}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r, "http://" + listener.Addr().String()
}

// tree prints the spans of a trace below a span, in the order in which they began.
func (r *receiver) tree(parent string, depth int) string {
	var text strings.Builder
	for _, s := range r.spans {
		if string(s.ParentSpanId) != parent {
			continue
		}
		fmt.Fprint(&text, strings.Repeat("  ", depth), s.Name)
		for _, a := range s.Attributes {
			fmt.Fprint(&text, " ", strings.TrimPrefix(a.Key, "tidelock."), "=", a.Value.GetStringValue())
		}
		if s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR {
			fmt.Fprint(&text, " failed", s.Status.GetMessage())
		}
		fmt.Fprint(&text, "\n", r.tree(string(s.SpanId), depth+1))
	}
	return text.String()
}

// TestFlow: one commit is one trace, from the webhook to what the passes have found, as
// a real receiver gets it.
func TestFlow(t *testing.T) {
	r, endpoint := receive(t)
	tracer, err := New(t.Context(), endpoint, "v1.2.3", 1)
	if err != nil {
		t.Fatal(err)
	}
	const repo, sha = "https://git.example/shop.git", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	tracer.Announced("github", repo, sha)
	tracer.Announced("github", repo, sha) // delivered twice
	tracer.Moved(repo, "main", sha)
	pass := func(of string, failed error) {
		ctx, done := tracer.Pass(t.Context(), types.NamespacedName{Namespace: "argocd", Name: "shop"}, func(url string) bool { return url == of })
		for _, step := range []string{"fetch", "render"} {
			inner, end := Step(ctx, step)
			_, deeper := Step(inner, step+"'s own")
			deeper(nil)
			end(failed)
		}
		Note(ctx, "phase", "Succeeded")
		Found(ctx, "Synced", "Healthy")
		done(failed)
	}
	pass(repo, nil)
	pass(repo, errors.New("the password is hunter22"))
	pass("https://git.example/other.git", nil)
	if err := tracer.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	const want = `webhook webhook=github repository=https://git.example/shop.git commit=6113728f27ae82c7b1a177c8d03f9e96e0adf246
  push repository=https://git.example/shop.git revision=main commit=6113728f27ae82c7b1a177c8d03f9e96e0adf246
    pass application=argocd/shop phase=Succeeded sync.status=Synced health.status=Healthy
      fetch
        fetch's own
      render
        render's own
    pass application=argocd/shop phase=Succeeded sync.status=Synced health.status=Healthy failed
      fetch failed
        fetch's own
      render failed
        render's own
webhook webhook=github repository=https://git.example/shop.git commit=6113728f27ae82c7b1a177c8d03f9e96e0adf246
`
	if got := r.tree("", 0); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, s := range r.spans {
		if strings.Contains(s.String(), "hunter22") {
			t.Errorf("a span tells a secret: %s", s)
		}
	}
}

// TestSample: which part of the commits is traced may change.
func TestSample(t *testing.T) {
	r, endpoint := receive(t)
	tracer, err := New(t.Context(), endpoint, "v1.2.3", 0)
	if err != nil {
		t.Fatal(err)
	}
	sha := strings.Repeat("a", 40)
	for i, ratio := range []float64{0, 1, 0} {
		tracer.Sample(ratio)
		tracer.Announced("github", fmt.Sprintf("https://git.example/%d.git", i), sha)
	}
	if err := tracer.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got, want := r.tree("", 0), "webhook webhook=github repository=https://git.example/1.git commit="+sha+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOff: without a tracer, or without a push, there are no spans and no cost worth
// naming.
func TestOff(t *testing.T) {
	var none *Tracer
	none.Announced("github", "a", "b")
	none.Moved("a", "main", "b")
	none.Sample(1)
	ctx, done := none.Pass(t.Context(), types.NamespacedName{}, func(string) bool { return true })
	done(nil)
	if ctx != t.Context() {
		t.Error("nothing is traced, and the context is another")
	}
	if n := testing.AllocsPerRun(100, func() {
		_, end := Step(ctx, "render")
		end(nil)
	}); n > 0 {
		t.Errorf("a step that nobody traces takes %v allocations", n)
	}
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPushes: what is remembered is bounded, and old pushes cause nothing.
func TestPushes(t *testing.T) {
	r, endpoint := receive(t)
	tracer, err := New(t.Context(), endpoint, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxPushes {
		tracer.Announced("github", "a", fmt.Sprint(i))
		tracer.Moved("a", "main", fmt.Sprint(-i))
	}
	if len(tracer.pushes.byCommit) > maxPushes || len(tracer.pushes.last) > maxPushes {
		t.Errorf("%d and %d pushes are remembered", len(tracer.pushes.byCommit), len(tracer.pushes.last))
	}
	any := func(string) bool { return true }
	if _, ok := tracer.pushes.cause(time.Now(), any); !ok {
		t.Error("the last push causes nothing")
	}
	if _, ok := tracer.pushes.cause(time.Now().Add(2*young), any); ok {
		t.Error("an old push is a cause")
	}
	if err := tracer.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if len(r.spans) > 0 {
		t.Errorf("%d spans were sent, of none", len(r.spans))
	}
}

func TestEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"collector:4317":                  "collector:4317 false",
		"http://collector:4317":           "collector:4317 false",
		"https://collector.example:4317":  "collector.example:4317 true",
		"https://collector.example:4317/": "collector.example:4317 true",
		"collector":                       `"http://collector" is no address such as https://collector.example:4317`,
		"":                                `"http://" is no address such as https://collector.example:4317`,
		"https://u:p@collector:4317":      "the address of a collector has a host and a port only",
		"https://collector:4317/v1":       "the address of a collector has a host and a port only",
		"udp://collector:4317":            `"udp" is neither http nor https`,
	} {
		host, secure, err := Endpoint(text)
		got := fmt.Sprint(host, " ", secure)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
