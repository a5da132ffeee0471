package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/argoproj/notifications-engine/pkg/controller"
)

// TestKeys: what Argo CD's controller has written is known here, and the reverse.
func TestKeys(t *testing.T) {
	for _, r := range []Result{{Key: "[0].abc"}, {Key: "[1].abc", OncePer: "1234567"}} {
		to := destination{Service: "slack", Recipient: "alerts"}
		want := controller.StateItemKey(false, "argocd", "on-synced", r, to)
		if got := keyOf("", "on-synced", r, to); got != want {
			t.Errorf("got %s, Argo CD has %s", got, want)
		}
	}
}

// TestConditionKeys: so are conditions, which the engine names itself.
func TestConditionKeys(t *testing.T) {
	now := time.Unix(1e9, 0)
	theirs := controller.NotificationsState{}
	for name, conditions := range Compile(Source{}).base.Triggers {
		ours, err := compileTrigger(conditions)
		if err != nil {
			t.Fatal(err)
		}
		service, err := newEngineTriggers(name, conditions)
		if err != nil {
			t.Fatal(err)
		}
		results, err := service.Run(name, map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		mine, _ := ours.Run(map[string]any{})
		for i := range results {
			if results[i].Key != mine[i].Key {
				t.Errorf("%s: got %s, Argo CD has %s", name, mine[i].Key, results[i].Key)
			}
		}
	}
	theirs.SetAlreadyNotified(false, "", "on-x", Result{Key: "[0].k"}, destination{Service: "s"}, true)
	ours := ParseState(State(theirs).String())
	if ours.told("on-x:[0].k:s:", true, now) {
		t.Error("what Argo CD has told is told again")
	}
}

func TestParseState(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{``, ``}, {`{`, ``}, {`null`, ``}, {`{"a":"b"}`, ``}, {`[]`, ``},
		{`{"b":2,"a":1}`, `{"a":1,"b":2}`},
	} {
		if got := ParseState(tt.in).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestTrim: the oldest go, and nothing that holds, for it would be told again.
func TestTrim(t *testing.T) {
	s, holding := State{}, map[string]bool{}
	for i := range 2 * maxState {
		key := fmt.Sprint("k", i)
		s[key] = int64(i)
		holding[key] = i < 10
	}
	s.trim(holding)
	if len(s) != maxState {
		t.Errorf("%d are left", len(s))
	}
	for key, holds := range holding {
		if _, ok := s[key]; holds && !ok {
			t.Errorf("%s holds, and is gone", key)
		}
	}
	if _, ok := s["k199"]; !ok {
		t.Error("the newest is gone")
	}
	for key := range s {
		holding[key] = true
	}
	if s["one more"] = 1; len(s) > maxState {
		s.trim(holding)
	}
	if len(s) != maxState {
		t.Errorf("%d are left, of which all but one hold", len(s))
	}
}
