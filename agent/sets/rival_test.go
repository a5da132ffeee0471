package sets

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rival"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestYield: an ApplicationSet that Argo CD keeps is said to be left to it, once, and
// nothing is done about it, until Argo CD's controller is seen to be stopped. From then on
// it is ours, whether that runs again or not, until it has had a word.
func TestYield(t *testing.T) {
	w := newWorld(t)
	state, asked := rival.Runs, 0
	w.Rivals = Rivals{
		State:    func(context.Context, string, time.Time) rival.State { asked++; return state },
		Patience: func() time.Duration { return time.Minute },
	}
	warned := func() string { return w.condition("apps", api.ApplicationSetRivalWarning) }
	w.apply(setOf("apps", listOf("a"), ""))
	for range 3 {
		w.must("apps")
		w.catchUp()
	}
	if got := warned(); !strings.Contains(got, "applicationset controller runs") || w.names() != "" {
		t.Errorf("condition %q, Applications %s", got, w.names())
	}
	if took := w.took(); took["patch-set"] != 1 || len(w.events) != 1 {
		t.Errorf("%v, Events %q", took, w.events)
	}
	state = rival.Stopped
	w.must("apps")
	w.catchUp()
	if w.names() != "a" || strings.Contains(warned(), "runs") {
		t.Errorf("condition %q, Applications %s", warned(), w.names())
	}
	w.say("tidelock")
	state, asked = rival.Runs, 0
	w.must("apps")
	if asked != 0 || w.names() != "a" {
		t.Errorf("asked %d times of a set that is ours", asked)
	}
	w.say("tidelock", rival.SetManager)
	w.apply(setOf("apps", listOf("a", "b"), ""))
	w.say("tidelock", rival.SetManager)
	w.must("apps")
	if asked != 1 || w.names() != "a" {
		t.Errorf("asked %d times, Applications %s", asked, w.names())
	}
}

// say has the status of the set be written by somebody after somebody else, each a second
// after the other.
func (w *world) say(managers ...string) {
	w.mu.Lock()
	set := w.sets["apps"].DeepCopy()
	set.ManagedFields = nil
	for i, manager := range managers {
		at := metav1.NewTime(w.now.Add(time.Duration(i) * time.Second))
		set.ManagedFields = append(set.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Subresource: "status", Time: &at, Operation: metav1.ManagedFieldsOperationUpdate})
	}
	set.ResourceVersion = w.next()
	w.sets["apps"] = set
	w.mu.Unlock()
	w.catchUp()
}

// TestYieldToTidelock: a set whose Applications another Tidelock works on is left to that,
// which has no condition of ours in its way.
func TestYieldToTidelock(t *testing.T) {
	w := newWorld(t)
	held := ""
	w.Rivals = Rivals{Tidelock: func(_ context.Context, app *api.Application) rival.Verdict {
		return rival.Verdict{Held: app.Name == held, Why: "another has " + app.Name, Again: time.Second}
	}}
	w.apply(setOf("apps", listOf("a", "b"), ""))
	w.must("apps")
	w.catchUp()
	w.took()
	held, w.events = "b", nil
	w.apply(setOf("apps", listOf("a", "b", "c"), ""))
	for range 2 {
		w.must("apps")
	}
	if took := w.took(); len(took) > 0 || w.names() != "a b" || len(w.events) != 1 || !strings.Contains(w.events[0], "another has b") {
		t.Errorf("%v, Events %q, Applications %s", took, w.events, w.names())
	}
	held = ""
	w.must("apps")
	if w.names() != "a b c" {
		t.Errorf("Applications %s", w.names())
	}
}
