package reconcile

import "time"

// crowded says that the last operation began in this very second, so that one with
// hooks has to wait for the next: by the second in which their operation began,
// runs of hooks are told apart, and a second operation would take those of the
// first for its own.
func (p *pass) crowded(desired *Desired) bool {
	last := p.status.OperationState
	if last == nil || len(desired.Hooks) == 0 || last.StartedAt.Unix() != p.now.Unix() {
		return false
	}
	p.soon(p.now.Truncate(time.Second).Add(time.Second).Sub(p.now.Time))
	return true
}
