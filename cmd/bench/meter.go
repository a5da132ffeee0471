package main

import (
	"context"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// sampleEvery is how often memory is looked at. A look costs the kernel about a
// millisecond for each process.
const sampleEvery = 200 * time.Millisecond

// A Result is one measurement. Of several, it is the medians, but the highest
// memory.
type Result struct {
	Scenario string        `json:"scenario"`
	Wall     time.Duration `json:"wallNanoseconds"`
	CPU      time.Duration `json:"cpuNanoseconds"` // of the agent and its plugins
	Memory   int64         `json:"peakBytes"`      // likewise
	Requests int           `json:"requests"`       // of the agent
	// ControlPlane is the CPU time of the control plane meanwhile, which shares the
	// machine.
	ControlPlane time.Duration `json:"controlPlaneCPUNanoseconds"`
	// Bench is that of this process, which shares it too.
	Bench time.Duration `json:"benchCPUNanoseconds"`
	// ByKind are the requests by verb and resource.
	ByKind testenv.Requests `json:"requestsByKind"`
}

// measure does something and reads the meters before and after. do returns the
// wall time, which it takes itself.
func (b *bench) measure(ctx context.Context, do func(context.Context) (time.Duration, error)) (Result, error) {
	if err := b.untilQuiet(ctx); err != nil {
		return Result{}, err
	}
	if _, err := b.cluster.Audit.Next(); err != nil {
		return Result{}, err
	}
	before, err := b.agent.Usage()
	if err != nil {
		return Result{}, err
	}
	planeBefore, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	var r Result
	own := ownCPU()
	r.Memory, err = b.sampleWhile(ctx, func(ctx context.Context) (err error) {
		r.Wall, err = do(ctx)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	after, err := b.agent.Usage()
	if err != nil {
		return Result{}, err
	}
	planeAfter, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	r.Bench = ownCPU() - own
	r.CPU, r.ControlPlane = after.CPU-before.CPU, planeAfter.CPU-planeBefore.CPU
	r.Memory = max(r.Memory, before.Memory, after.Memory)
	r.ByKind, err = b.cluster.Audit.Next()
	r.Requests = r.ByKind.Total()
	return r, err
}

// ownCPU is the CPU time of this process, without that of what it started.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sampleWhile returns the highest memory that was seen while do ran.
func (b *bench) sampleWhile(ctx context.Context, do func(context.Context) error) (peak int64, err error) {
	done := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(done)
		return do(ctx)
	})
	g.Go(func() error {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return nil
			case <-tick.C:
			}
			usage, err := b.agent.Usage()
			if err != nil {
				return err
			}
			peak = max(peak, usage.Memory)
		}
	})
	return peak, g.Wait()
}

// quiet is how much CPU time the agent and the control plane may use, each, in
// one quietPeriod to count as at rest.
const (
	quiet       = 30 * time.Millisecond
	quietPeriod = time.Second
	quietWait   = 2 * time.Minute
)

// untilQuiet waits until nothing is left to do of what was before.
func (b *bench) untilQuiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quietWait)
	defer cancel()
	for {
		before, err := b.work()
		if err != nil {
			return err
		}
		select {
		case <-time.After(quietPeriod):
		case <-ctx.Done():
			say("the agent or the control plane does not come to rest; measuring all the same")
			return context.Cause(ctx)
		}
		after, err := b.work()
		if err != nil {
			return err
		}
		if after-before <= 2*quiet {
			return nil
		}
	}
}

// work is the CPU time that the agent and the control plane have used so far.
func (b *bench) work() (time.Duration, error) {
	agent, err := b.agent.Usage()
	if err != nil {
		return 0, err
	}
	plane, err := b.cluster.Usage()
	return agent.CPU + plane.CPU, err
}
