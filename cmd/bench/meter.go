package main

import (
	"context"
	"fmt"
	"slices"
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
	// CPUOfOne and MemoryOfOne are of the replica that needed most.
	CPUOfOne    time.Duration `json:"cpuNanosecondsOfOne"`
	MemoryOfOne int64         `json:"peakBytesOfOne"`
	// Agent is the highest memory without that of plugins.
	Agent int64 `json:"agentPeakBytes"`
	// Slowest is the wall time that 99 of 100 measurements do not exceed.
	Slowest  time.Duration `json:"p99WallNanoseconds"`
	Requests int           `json:"requests"` // of the agent
	// Beside are further requests, by which Applications that the scenario is not about
	// name a commit that changed nothing of them.
	Beside int `json:"requestsBeside"`
	// ControlPlane is the CPU time of the control plane meanwhile, which shares the
	// machine.
	ControlPlane time.Duration `json:"controlPlaneCPUNanoseconds"`
	// Bench is that of this process, which shares it too.
	Bench time.Duration `json:"benchCPUNanoseconds"`
	// ByKind are the requests by verb and resource.
	ByKind testenv.Requests `json:"requestsByKind"`
}

// measure does something and reads the meters before and after. do returns the
// wall time, which it takes itself. Amid is as in scenario.
func (b *bench) measure(ctx context.Context, amid bool, do func(context.Context) (time.Duration, error)) (r Result, err error) {
	begin := b.untilQuiet
	if amid {
		begin = b.untilRested
	}
	if err := begin(ctx); err != nil {
		return Result{}, err
	}
	b.concerned = ""
	if _, err := b.cluster.Audit.Next(); err != nil {
		return Result{}, err
	}
	before, err := b.usages()
	if err != nil {
		return Result{}, err
	}
	planeBefore, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	own := ownCPU()
	most := b.newPeak(before)
	if err := b.sampleWhile(ctx, most, func(ctx context.Context) (err error) {
		if r.Wall, err = do(ctx); err != nil {
			return err
		}
		return b.untilRested(ctx)
	}); err != nil {
		return Result{}, err
	}
	after, err := b.usages()
	if err != nil {
		return Result{}, err
	}
	planeAfter, err := b.cluster.Usage()
	if err != nil {
		return Result{}, err
	}
	most.see(after)
	r.Bench = ownCPU() - own
	for i := range after {
		used := after[i].CPU - before[i].CPU
		if b.restarted {
			used = after[i].CPU
		}
		r.CPU += used
		r.CPUOfOne = max(r.CPUOfOne, used)
	}
	b.restarted = false
	r.ControlPlane = planeAfter.CPU - planeBefore.CPU
	r.Memory, r.Agent, r.MemoryOfOne = most.all.Memory, most.all.Leader, slices.Max(most.ofOne)
	var beside testenv.Requests
	r.ByKind, beside, err = b.cluster.Audit.NextBut(b.beside)
	r.Requests, r.Beside = r.ByKind.Total(), beside.Total()
	return r, err
}

// beside says that a request is a report of an Application that the scenario is not
// about.
func (b *bench) beside(request, name string) bool {
	return b.concerned != "" && request == "patch applications" && name != b.concerned
}

// ownCPU is the CPU time of this process, without that of what it started.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A peak is the most memory that was seen.
type peak struct {
	all   testenv.Usage
	ofOne []int64 // of each replica
}

func (b *bench) newPeak(now []testenv.Usage) *peak {
	p := &peak{ofOne: make([]int64, len(b.agents))}
	p.see(now)
	return p
}

func (p *peak) see(now []testenv.Usage) {
	all := sum(now)
	p.all.Memory, p.all.Leader = max(p.all.Memory, all.Memory), max(p.all.Leader, all.Leader)
	for i, u := range now {
		p.ofOne[i] = max(p.ofOne[i], u.Memory)
	}
}

// sampleWhile looks at memory while do runs.
func (b *bench) sampleWhile(ctx context.Context, most *peak, do func(context.Context) error) error {
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
			now, err := b.usages()
			if err != nil {
				return err
			}
			most.see(now)
		}
	})
	return g.Wait()
}

// A look that finds no Application waiting for one may fall between a pass and what
// the pass leads to: a report rests for a tenth of a second, news go to other replicas.
const (
	restedLooks = 4
	restedEvery = 100 * time.Millisecond
)

// untilRested waits until no agent has an Application to look at now. What is to be
// done later may still be due.
func (b *bench) untilRested(ctx context.Context) error {
	tick := time.NewTicker(restedEvery)
	defer tick.Stop()
	for rested := 0; rested < restedLooks; {
		busy, err := b.backlog(ctx)
		if err != nil {
			return err
		}
		if rested++; busy > 0 {
			rested = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d Applications still wait to be looked at: %w", busy, context.Cause(ctx))
		}
	}
	return nil
}

// backlog is how many looks at Applications are due or go on in all agents.
func (b *bench) backlog(ctx context.Context) (all int, err error) {
	for _, a := range b.agents {
		n, err := a.Backlog(ctx)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
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
func (b *bench) usage() (testenv.Usage, error) {
	each, err := b.usages()
	return sum(each), err
}

// usages are what each replica has used.
func (b *bench) usages() (each []testenv.Usage, err error) {
	for _, a := range b.agents {
		u, err := a.Usage()
		if err != nil {
			return nil, err
		}
		each = append(each, u)
	}
	return each, nil
}

func sum(each []testenv.Usage) (all testenv.Usage) {
	for _, u := range each {
		all.CPU += u.CPU
		all.Memory += u.Memory
		all.Leader += u.Leader
		all.Processes += u.Processes
	}
	return all
}
