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
	// Agent is the highest memory without that of plugins.
	Agent int64 `json:"agentPeakBytes"`
	// Slowest is the wall time that 99 of 100 measurements do not exceed.
	Slowest  time.Duration `json:"p99WallNanoseconds"`
	Requests int           `json:"requests"` // of the agent
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
	before, err := b.usage()
	if err != nil {
		return Result{}, err
	}
	planeBefore, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	var r Result
	own := ownCPU()
	peak, err := b.sampleWhile(ctx, func(ctx context.Context) (err error) {
		r.Wall, err = do(ctx)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	after, err := b.usage()
	if err != nil {
		return Result{}, err
	}
	planeAfter, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	r.Bench = ownCPU() - own
	if r.CPU = after.CPU - before.CPU; b.restarted {
		r.CPU, b.restarted = after.CPU, false
	}
	r.ControlPlane = planeAfter.CPU - planeBefore.CPU
	r.Memory, r.Agent = max(peak.Memory, before.Memory, after.Memory), max(peak.Leader, before.Leader, after.Leader)
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
func (b *bench) sampleWhile(ctx context.Context, do func(context.Context) error) (peak testenv.Usage, err error) {
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
			usage, err := b.usage()
			if err != nil {
				return err
			}
			peak.Memory, peak.Leader = max(peak.Memory, usage.Memory), max(peak.Leader, usage.Leader)
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
	agents, err := b.usage()
	if err != nil {
		return 0, err
	}
	plane, err := b.cluster.Usage()
	return agents.CPU + plane.CPU, err
}

// usage is what all replicas have used.
func (b *bench) usage() (all testenv.Usage, err error) {
	for _, a := range b.agents {
		u, err := a.Usage()
		if err != nil {
			return testenv.Usage{}, err
		}
		all.CPU += u.CPU
		all.Memory += u.Memory
		all.Leader += u.Leader
		all.Processes += u.Processes
	}
	return all, nil
}
