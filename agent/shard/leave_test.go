package shard

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// trio starts three replicas that share some applications, of which they work on some,
// and returns when they do. Each message takes ten milliseconds.
func trio(t *testing.T, apps, worked []types.NamespacedName) (all []*replica) {
	t.Helper()
	l, f := newTable(t, rand.New(rand.NewPCG(1, 2))), newFloor(t)
	l.even, l.calm = 10*time.Millisecond, true
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, start(l, f, name, name, 1, worked))
	}
	await(t, time.Minute, func() bool { return ownedBy(all, apps) == len(apps) })
	return all
}

// ownedBy is how many of the applications some replicas have.
func ownedBy(replicas []*replica, apps []types.NamespacedName) (n int) {
	for _, app := range apps {
		for _, r := range replicas {
			if r.share.Owns(app) {
				n++
			}
		}
	}
	return n
}

// await waits until something is so, and returns how long that took.
func await(t *testing.T, most time.Duration, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > most {
			t.Fatalf("it is not so after %s", most)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// TestLeave: what a replica that is told to end is not at is another's after the few
// messages that it takes to say so, and what it is at when it has ended, not before.
func TestLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		apps := applications(60)
		all := trio(t, apps, apps)
		leaving, others := all[0], all[1:]
		time.Sleep(7 * time.Second)
		var had []types.NamespacedName
		for _, app := range apps {
			if leaving.share.Owns(app) {
				had = append(had, app)
			}
		}
		_, end := leaving.running.Begin(context.Background(), had[0]) // and does not heed its context
		leaving.stop()
		// Passes take up to 0.1 s to end, and a write 1.25 s: those that have none go first.
		if took := await(t, time.Minute, func() bool { return ownedBy(others, apps) == len(apps)-1 }); took > 2*time.Second {
			t.Errorf("all but one are another's after %s", took)
		}
		time.Sleep(2 * time.Second)
		if ownedBy(others, had[:1]) != 0 {
			t.Errorf("%s is another's while it is worked on", had[0].Name)
		}
		end()
		if took := await(t, time.Minute, func() bool { return ownedBy(others, apps) == len(apps) }); took > 200*time.Millisecond {
			t.Errorf("what was worked on last is another's after %s", took)
		}
		for _, r := range others {
			r.stop()
		}
		time.Sleep(time.Minute)
	})
}

// TestIdleAtOnce: who is at nothing has handed over all after four messages.
func TestIdleAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		apps := applications(500)
		all := trio(t, apps, nil)
		all[2].stop()
		if took := await(t, time.Minute, func() bool { return ownedBy(all[:2], apps) == len(apps) }); took > 50*time.Millisecond {
			t.Errorf("that took %s", took)
		}
		for _, r := range all[:2] {
			r.stop()
		}
		time.Sleep(time.Minute)
	})
}

// TestKilled: what a replica had that was killed is another's within its term, whenever
// that was between two renewals.
func TestKilled(t *testing.T) {
	t.Parallel()
	for after := range 6 {
		synctest.Test(t, func(t *testing.T) {
			apps := applications(30)
			all := trio(t, apps, apps)
			time.Sleep(5*time.Second + time.Duration(after)*500*time.Millisecond)
			all[1].setCut(true)
			all[1].stop()
			others := []*replica{all[0], all[2]}
			took := await(t, time.Minute, func() bool { return ownedBy(others, apps) == len(apps) })
			if took > DefaultTerm || took < patience(DefaultTerm)-DefaultTerm/6 {
				t.Errorf("that took %s, and the term is %s", took, DefaultTerm)
			}
			for _, r := range others {
				r.stop()
			}
			time.Sleep(time.Minute)
		})
	}
}
