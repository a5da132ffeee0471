package reconcile

import (
	"fmt"
	"testing"
	"time"
)

// A commit that changes nothing of a thousand Applications is named by each of
// them within the lag, and not by all at once.
func TestLag(t *testing.T) {
	r := New(Config{})
	now := time.Unix(1_800_000_000, 0)
	waiting := map[string]time.Duration{}
	for i := range 1000 {
		name := fmt.Sprint(i)
		if lag := r.lag(name, now); lag > 0 {
			waiting[name] = lag
		}
	}
	if at := 1000 - len(waiting); at != revisionsAtOnce {
		t.Errorf("%d at once, want %d", at, revisionsAtOnce)
	}
	early := 0
	for name, lag := range waiting {
		if lag > revisionLag {
			t.Errorf("%s waits %s", name, lag)
		}
		if lag < revisionLag/2 {
			early++
		}
		if again := r.lag(name, now.Add(lag/2)); again != lag-lag/2 {
			t.Errorf("%s waits %s at half of %s", name, again, lag)
		}
		if rest := r.lag(name, now.Add(lag)); rest != 0 {
			t.Errorf("%s waits %s more when its turn has come", name, rest)
		}
	}
	if early < 300 || early > 700 {
		t.Errorf("%d of %d in the first half: not spread", early, len(waiting))
	}
	for name := range waiting {
		r.named(name)
	}
	if len(r.due) > 0 {
		t.Errorf("%d still wait after they have named it", len(r.due))
	}
}

// Of 50,000 Applications no more name a commit in any minute than the API server takes
// without noticing, and all have done so before long.
func TestLagOfMany(t *testing.T) {
	const many = 50_000
	r := New(Config{})
	now := time.Unix(1_800_000_000, 0)
	var last time.Duration
	minutes := map[time.Duration]int{}
	for i := range many {
		lag := r.lag(fmt.Sprint(i), now)
		minutes[lag.Truncate(time.Minute)]++
		last = max(last, lag)
	}
	for minute, n := range minutes {
		if most := 2 * int(time.Minute/revisionsApart); n > most {
			t.Errorf("%d of them in the minute after %s, want %d at most", n, minute, most)
		}
	}
	if most := many * revisionsApart; last > most || last < most/2 {
		t.Errorf("the last one comes after %s, want it before %s", last, most)
	}
}
