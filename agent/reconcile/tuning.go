package reconcile

import "time"

// A Tuning is what may be set anew while the agent runs; Config says what each is.
type Tuning struct {
	Refresh     time.Duration
	Insist      bool
	SyncTimeout time.Duration
	Impersonate bool
	// IgnoreRivals has Applications worked on that Argo CD works on, too.
	IgnoreRivals bool
}

// Tune sets it anew: for every pass that begins from now on.
func (r *Reconciler) Tune(t Tuning) { r.tuned.Store(&t) }

func (c Config) tuning() *Tuning {
	return &Tuning{Refresh: c.Refresh, Insist: c.Insist, SyncTimeout: c.SyncTimeout, Impersonate: c.Impersonate, IgnoreRivals: c.IgnoreRivals}
}
