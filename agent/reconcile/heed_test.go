package reconcile

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// For which object of a wave its controller is given time.
func TestHeedless(t *testing.T) {
	for _, tt := range []struct{ name, objects, want string }{
		{"2.1 step 8: what was applied, and does not tell what its controller has seen", "a=applied,vague", "a"},
		{"2.1 step 8: one that tells is not waited for", "a=applied", "-"},
		{"one that was as it should be is not waited for", "a=same,vague b=applied", "-"},
		{"one that was waited for is not waited for again", "a=settled,vague", "-"},
		{"2.6 ignore-healthcheck: one that does not count is not waited for", "a=applied,vague,unmonitored", "-"},
		{"the first of several", "a=applied b=applied,vague c=applied,vague", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			op := &api.OperationState{SyncResult: &api.SyncResult{}}
			var before []diff.Change
			live := diff.Snapshot{}
			for word := range strings.FieldsSeq(tt.objects) {
				name, state, _ := strings.Cut(word, "=")
				o := objectIn(t, "example.com/Database shop/"+name, "{}")
				before = append(before, diff.Change{Key: o.Key, Desired: o})
				live[o.Key] = &diff.Live{
					Key: o.Key, Vague: strings.Contains(state, "vague"), Unmonitored: strings.Contains(state, "unmonitored"),
				}
				phase := map[string]api.OperationPhase{"applied": api.OperationRunning, "settled": api.OperationSucceeded}[strings.Split(state, ",")[0]]
				if phase != "" {
					op.SyncResult.Resources = append(op.SyncResult.Resources, api.ResourceResult{
						Group: o.Key.Group, Kind: o.Key.Kind, Namespace: o.Key.Namespace, Name: o.Key.Name, HookPhase: phase,
					})
				}
			}
			got := "-"
			if l := heedless(op, before, live); l != nil {
				got = l.Key.Name
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
