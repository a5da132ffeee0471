package host

import (
	"context"
	"fmt"
	"time"
)

const (
	// lookEvery is how often the programs of a plugin are counted.
	lookEvery = 50 * time.Millisecond
	// sumEvery is how often what they have written is summed, in looks.
	sumEvery = 10
)

// watchPrograms bounds what the programs that a plugin starts take together, as
// long as the call runs: limits of the kernel are for one process each. Over the
// bound all are killed.
func (p *pool) watchPrograms(ctx context.Context, proc *process) {
	if !p.spec.Grants.Exec {
		return
	}
	p.host.run.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for look := 0; ; look++ {
			select {
			case <-ctx.Done():
				return nil
			case <-proc.runner.done:
				return nil
			case <-tick.C:
			}
			if excess := p.excess(proc, look%sumEvery == 0); excess != nil {
				proc.excess.CompareAndSwap(nil, excess)
				p.leave(proc)
				proc.runner.kill()
				return nil
			}
		}
	})
}

// excess says what the process and its programs take too much of.
func (p *pool) excess(proc *process, sum bool) *failure {
	limit := int64(p.spec.Grants.MemoryLimit()) //nolint:gosec // no machine has more
	count, memory := group(proc.runner.cmd.Process.Pid)
	if sum && proc.scratch != "" {
		memory += sizeOf(proc.scratch)
	}
	switch {
	case count > p.spec.Limits.Programs:
		return tooMuch("its programs were %d at once, %d are allowed: all were killed", count, p.spec.Limits.Programs)
	case memory > limit:
		return tooMuch("its programs and their files took %d MiB, %d are allowed: all were killed", memory>>20, limit>>20)
	}
	return nil
}

func tooMuch(format string, args ...any) *failure {
	return &failure{ErrTooLarge, fmt.Errorf(format, args...)}
}
