// Package trace follows commits through the flow, as OpenTelemetry traces: one for each
// commit that was heard of, from the webhook to the health of the Applications that it
// is applied by.
//
// Start with [New], and with [Step], by which the parts of the flow tell of themselves;
// where nothing is traced it costs next to nothing. A span says which Application,
// repository and commit it is about, and whether it failed; never why, for that may be
// told in words that are somebody's secret.
package trace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/credentials"
)

const scope = "github.com/tidelock-io/tidelock"

// Attributes that spans have.
const (
	application = attribute.Key("tidelock.application")
	repository  = attribute.Key("tidelock.repository")
	revision    = attribute.Key("tidelock.revision")
	commit      = attribute.Key("tidelock.commit")
	provider    = attribute.Key("tidelock.webhook")
	syncStatus  = attribute.Key("tidelock.sync.status")
	health      = attribute.Key("tidelock.health.status")
)

// A Tracer sends traces to a collector. The nil Tracer traces nothing.
type Tracer struct {
	provider *sdktrace.TracerProvider
	part     *part
	tracer   trace.Tracer
	pushes   pushes
}

// Endpoint reads an address of a collector: https://host:port, http://host:port, which
// is without TLS, or host:port, which is, too.
func Endpoint(text string) (host string, secure bool, err error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Port() == "":
		return "", false, fmt.Errorf("%.60q is no address such as https://collector.example:4317", text)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return "", false, errors.New("the address of a collector has a host and a port only")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", false, fmt.Errorf("%q is neither http nor https", u.Scheme)
	}
	return u.Host, u.Scheme == "https", nil
}

// New returns a Tracer that sends to a collector by OTLP over gRPC. Ratio is which
// part of the commits is traced.
func New(ctx context.Context, endpoint, version string, ratio float64) (*Tracer, error) {
	host, secure, err := Endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(host), otlptracegrpc.WithInsecure()}
	if secure {
		options[1] = otlptracegrpc.WithTLSCredentials(credentials.NewClientTLSFromCert(nil, ""))
	}
	exporter, err := otlptrace.New(ctx, otlptracegrpc.NewClient(options...))
	if err != nil {
		return nil, fmt.Errorf("connect to the collector of traces: %w", err)
	}
	return newTracer(version, ratio, sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(time.Second), sdktrace.WithMaxQueueSize(4096))), nil
}

func newTracer(version string, ratio float64, to sdktrace.TracerProviderOption) *Tracer {
	of := &part{}
	of.set(ratio)
	provider := sdktrace.NewTracerProvider(to,
		sdktrace.WithSampler(sdktrace.ParentBased(of)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "tidelock"), attribute.String("service.version", version))),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: 512, AttributeCountLimit: 16, EventCountLimit: 16, LinkCountLimit: 4}),
	)
	return &Tracer{provider: provider, part: of, tracer: provider.Tracer(scope)}
}

// Close sends what has not been sent.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Step begins a step of what ctx is a part of, and returns what ends it. What nobody
// traces is no step.
func Step(ctx context.Context, name string) (context.Context, func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name) //nolint:spancheck // who began it ends it
	return ctx, func(err error) { end(span, err) }                      //nolint:spancheck // likewise
}

// Note tells of what a step has found, by a name and a value that are no secret.
func Note(ctx context.Context, name, value string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(attribute.String("tidelock."+name, value))
	}
}

// end ends a span. Why something failed is not told.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
