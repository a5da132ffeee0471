package shard

import "time"

// A Clock tells a process the time, by which its own terms end and those of others.
type Clock interface {
	Now() time.Time
	// After is like time.After.
	After(d time.Duration) <-chan time.Time
}

// machine is the clock of the machine.
type machine struct{}

func (machine) Now() time.Time                         { return time.Now() }
func (machine) After(d time.Duration) <-chan time.Time { return time.After(d) }

// passed is how long it is from one reading of a clock to another, by what it counts or
// by what it shows, whichever says more: the one stands still while a virtual machine or
// a laptop sleeps, and the other may be set back.
func passed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
