package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A desk sends for a post, and notes what becomes of it.
type desk struct {
	mu    sync.Mutex // guards lines
	lines []string
	began time.Time
	send  func(ctx context.Context, l *letter) error
}

func (d *desk) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%3.0f ", time.Since(d.began).Seconds())+fmt.Sprintf(format, args...))
}

func (d *desk) post() *post {
	d.began = time.Now()
	return newPost(
		func(ctx context.Context, l *letter) error { d.note("%s", l.Trigger); return d.send(ctx, l) },
		func(l *letter, err error) { d.note("%s: %v", l.Trigger, err) },
	)
}

func to(service, trigger string) *letter {
	return &letter{Message: Message{Trigger: trigger, To: destination{Service: service}}, app: &api.Application{}}
}

// run runs a post for a time, or until its letters are sent.
func (d *desk) run(t *testing.T, p *post, ticks *int, lasts time.Duration) string {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.run(ctx, func() { *ticks++ }) }()
	time.Sleep(lasts)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, "\n")
}

// TestOrder: letters to one service go one after the other, and hold up no other.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ticks := &desk{}, 0
		d.send = func(_ context.Context, l *letter) error {
			if l.To.Service == "slow" {
				time.Sleep(10 * time.Second)
			}
			return nil
		}
		p := d.post()
		for _, l := range []*letter{to("slow", "s1"), to("slow", "s2"), to("fast", "f1")} {
			p.add(l)
		}
		got := d.run(t, p, &ticks, 2*time.Minute+time.Second)
		for _, order := range [][2]string{{"  0 f1: <nil>", " 10 s1: <nil>"}, {" 10 s1: <nil>", " 10 s2\n"}, {" 10 s2\n", " 20 s2: <nil>"}} {
			before, after := strings.Index(got, order[0]), strings.Index(got, order[1])
			if before < 0 || after < 0 || before > after {
				t.Errorf("%q is not before %q in\n%s", order[0], order[1], got)
			}
		}
		if p.waiting() != 0 || len(p.lanes) != 0 || ticks != 2 {
			t.Errorf("%d wait, %d lanes, %d ticks", p.waiting(), len(p.lanes), ticks)
		}
	})
}

// TestAgain: what is refused is tried again, at longer and longer intervals, and others
// to the same service go meanwhile.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ticks := &desk{}, 0
		d.send = func(_ context.Context, l *letter) error {
			switch {
			case l.Trigger == "never":
				return &refusal{503, "no"}
			case l.Trigger == "lost":
				return errSilent
			case l.Trigger == "third" && l.tries < 2:
				return &refusal{503, "not yet"}
			}
			return nil
		}
		p := d.post()
		for _, name := range []string{"never", "lost", "third", "good"} {
			p.add(to("x", name))
		}
		got := d.run(t, p, &ticks, 10*time.Minute)
		check(t, sorted(got), sorted(strings.Trim(`
  0 never
  0 lost
  0 lost: `+errSilent.Error()+`
  0 third
  0 good
  0 good: <nil>
  1 never
  1 third
  6 never
  6 third
  6 third: <nil>
 36 never
156 never
156 never: no`, "\n")))
	})
}

func sorted(lines string) string {
	all := strings.Split(lines, "\n")
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestEnd: when it is told to end, what waits is sent, for a moment; nothing is tried
// again.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ticks := &desk{}, 0
		d.send = func(_ context.Context, l *letter) error {
			if l.Trigger == "rests" {
				return &refusal{503, "no"}
			}
			time.Sleep(time.Second)
			if l.Trigger == "fails" {
				return &refusal{503, "no"}
			}
			return nil
		}
		p := d.post()
		p.add(to("x", "first"))
		p.add(to("x", "second"))
		p.add(to("y", "fails"))
		p.add(to("z", "rests"))
		got := d.run(t, p, &ticks, time.Second/2)
		for _, want := range []string{"  1 first: <nil>", "  2 second: <nil>", "  1 fails: no\n" + errEnded.Error(), "  0 rests: " + errEnded.Error()} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in\n%s", want, got)
			}
		}
	})
}

// TestEndOfAll: a receiver that is slow keeps it for a moment only.
func TestEndOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ticks := &desk{}, 0
		d.send = func(ctx context.Context, _ *letter) error { <-ctx.Done(); return errSilent }
		p := d.post()
		for i := range 3 {
			p.add(to("x", fmt.Sprint(i)))
		}
		began := time.Now()
		got := d.run(t, p, &ticks, 0)
		if took := time.Since(began); took > grace {
			t.Errorf("it took %s", took)
		}
		if n := strings.Count(got, errEnded.Error()); n != 2 || p.waiting() != 0 {
			t.Errorf("%d of 2 were told of, %d wait:\n%s", n, p.waiting(), got)
		}
	})
}

// TestCrowded: there is room for so many, and who tells does not wait.
func TestCrowded(t *testing.T) {
	d := &desk{send: func(context.Context, *letter) error { return nil }}
	p := d.post()
	for range maxLane + 1 {
		p.add(to("x", "x"))
	}
	for i := range maxWaiting {
		p.add(to(fmt.Sprint(i/100), "y"))
	}
	if p.waiting() != maxWaiting {
		t.Errorf("%d wait", p.waiting())
	}
	if len(d.lines) != 1+maxLane || !strings.HasSuffix(d.lines[0], errCrowded.Error()) {
		t.Errorf("%d were turned away: %s", len(d.lines), d.lines[0])
	}
	if !errors.Is(errCrowded, errCrowded) || again(&permanent{errCrowded}) {
		t.Error("what is permanent is tried again")
	}
}
