package trace

import (
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A part is which part of the commits is traced, from 0 to 1: a Sampler that may be told
// otherwise at any time.
type part struct{ sampler atomic.Value }

func (p *part) set(ratio float64) { p.sampler.Store(held{sdktrace.TraceIDRatioBased(ratio)}) }

// held is so that all that is stored is of one type.
type held struct{ sdktrace.Sampler }

// ShouldSample and Description make it a Sampler.
func (p *part) ShouldSample(of sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return p.sampler.Load().(held).ShouldSample(of)
}

func (p *part) Description() string { return p.sampler.Load().(held).Description() }

// Sample says which part of the commits is traced from now on, from 0 to 1.
func (t *Tracer) Sample(ratio float64) {
	if t != nil {
		t.part.set(ratio)
	}
}
