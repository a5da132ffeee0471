package host

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A pool keeps the processes of one plugin: none until one is needed, a second
// one when calls overlap, none again when there is nothing to do.
type pool struct {
	host *Host
	spec Spec

	mu        sync.Mutex // guards the fields below, and those of its processes
	processes map[*process]struct{}
	starting  int
	waiting   int
	closed    bool
	replaced  bool          // by another pool
	changed   chan struct{} // closed, and replaced, when something changed

	deaths   int       // in a row, with no call completed in between
	earliest time.Time // of the next start
	failed   error     // of the last start, nil if it worked
	failures int       // of starts, ever
	told     bool      // what its sandbox lacks was passed on
}

func newPool(h *Host, spec Spec) *pool {
	return &pool{host: h, spec: spec, processes: map[*process]struct{}{}, changed: make(chan struct{})}
}

// acquire returns a process with room for a call, for one without neighbours if
// alone. release must follow.
func (p *pool) acquire(ctx context.Context, alone bool) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	defer func() { p.waiting-- }()
	failures := p.failures
	for {
		if p.closed {
			return nil, failf(ErrUnavailable, "Tidelock is stopping")
		}
		if p.replaced {
			return nil, failf(ErrUnavailable, "it was installed anew just now: the next try finds it")
		}
		if proc := p.take(alone); proc != nil {
			return proc, nil
		}
		if p.failures > failures && p.failed != nil {
			return nil, p.failed
		}
		wait := p.startMore()
		if err := p.await(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// take needs p.mu. It prefers the process that is busiest, so that others may
// come to rest.
func (p *pool) take(alone bool) *process {
	var best *process
	for proc := range p.processes {
		room := proc.calls < proc.capacity && !proc.alone && !proc.leaving && !proc.dead() && !p.spent(proc)
		if !room || alone && proc.calls > 0 {
			continue
		}
		if best == nil || proc.calls > best.calls {
			best = proc
		}
	}
	if best == nil {
		return nil
	}
	best.calls++
	best.taken++
	best.overlap = best.overlap || best.calls > 1
	best.alone = alone
	best.idle.Stop()
	return best
}

// spent needs p.mu. It says whether the process has taken all its calls.
func (p *pool) spent(proc *process) bool { return p.spec.Calls > 0 && proc.taken >= p.spec.Calls }

// startMore needs p.mu. It starts a process if one may help, and returns how
// long to wait before another may be started, 0 if that is no matter.
func (p *pool) startMore() time.Duration {
	if len(p.processes)+p.starting >= p.spec.Processes || p.starting >= p.waiting {
		return 0
	}
	if wait := time.Until(p.earliest); wait > 0 {
		return wait
	}
	p.starting++
	p.host.run.Go(func() error { p.start(); return nil })
	return 0
}

// await needs p.mu, and gives it up while it waits for a change.
func (p *pool) await(ctx context.Context, wait time.Duration) error {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer:
	}
	return nil
}

// notify needs p.mu.
func (p *pool) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pool) start() {
	p.host.counters.starts.Add(1)
	proc, err := startBest(p.host, &p.spec, func(run func()) {
		p.host.run.Go(func() error { run(); return nil })
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notify()
	p.starting--
	p.failed = err
	if err != nil {
		p.failures++
		p.backOff()
		return
	}
	proc.idle = time.AfterFunc(p.spec.Limits.Idle, func() { p.rest(proc) })
	p.processes[proc] = struct{}{}
	p.tell(proc)
	p.host.run.Go(func() error { p.watch(proc); return nil })
	if p.closed || p.replaced {
		proc.runner.kill()
	}
}

// backOff needs p.mu. The first death costs no wait: most are one call's fault.
func (p *pool) backOff() {
	const most = 5 * time.Second
	if p.deaths > 0 {
		p.earliest = time.Now().Add(min(most, 100*time.Millisecond<<min(p.deaths-1, 6)))
	}
	p.deaths++
}

// tell needs p.mu.
func (p *pool) tell(proc *process) {
	log := p.host.log.With("plugin", p.spec.Name)
	log.Debug("plugin started", "program", proc.spec.Command, "version", clean(proc.about.GetVersion()), "pid", proc.runner.cmd.Process.Pid,
		"confinedBy", clean(strings.Join(proc.about.GetConfinedBy(), ", ")))
	if proc.instead != nil {
		log.Debug("plugin not served by its own program", "program", p.spec.Rather.Command, "reason", proc.instead)
	}
	if lacks := proc.about.GetNotConfinedBy(); len(lacks) > 0 && !p.told {
		p.told = true
		p.host.lacks.warn(log, clean(strings.Join(lacks, "; ")))
	}
}

// watch waits for the process to end, and clears up after it.
func (p *pool) watch(proc *process) {
	<-proc.runner.done
	p.mu.Lock()
	delete(p.processes, proc)
	proc.idle.Stop()
	if !proc.leaving && !p.closed {
		p.host.counters.deaths.Add(1)
		p.backOff()
	}
	p.notify()
	p.mu.Unlock()
	proc.end()
}

// rest stops a process that has nothing to do.
func (p *pool) rest(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if proc.calls == 0 {
		p.dismiss(proc)
	}
}

// dismiss needs p.mu. The process takes no more calls, and is killed when it has
// none.
func (p *pool) dismiss(proc *process) {
	proc.leaving = true
	if proc.calls == 0 {
		proc.runner.kill()
	}
}

// release ends a call. It returns whether others ran beside it.
func (p *pool) release(proc *process, completed bool) (overlapped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notify()
	overlapped = proc.overlap
	proc.calls--
	if completed {
		p.deaths, p.earliest = 0, time.Time{}
	}
	if proc.calls == 0 {
		proc.overlap, proc.alone = false, false
		proc.idle.Reset(p.spec.Limits.Idle)
	}
	if proc.leaving || p.spent(proc) {
		p.dismiss(proc)
	}
	return overlapped
}

// leave makes a process take no more calls.
func (p *pool) leave(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dismiss(proc)
}

func (p *pool) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *pool) warm(ctx context.Context) error {
	_, err := p.any(ctx)
	return err
}

// any returns a process, and starts one if none runs.
func (p *pool) any(ctx context.Context) (*process, error) {
	proc, err := p.acquire(ctx, false)
	if err != nil {
		return nil, &Error{Plugin: p.spec.Name, Call: "start", Kind: ErrUnavailable, Err: err}
	}
	p.mu.Lock()
	proc.taken-- // it was no call
	p.mu.Unlock()
	p.release(proc, true)
	return proc, nil
}

// retire ends the processes when their calls end, and takes no new ones.
func (p *pool) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replaced = true
	for proc := range maps.Keys(p.processes) {
		p.dismiss(proc)
	}
	p.notify()
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for proc := range maps.Keys(p.processes) {
		proc.runner.kill()
	}
	p.notify()
}

// list returns the processes, by pid.
func (p *pool) list() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.processes), func(a, b *process) int {
		return a.runner.cmd.Process.Pid - b.runner.cmd.Process.Pid
	})
}
