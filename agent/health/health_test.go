package health

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

func TestWorst(t *testing.T) {
	for _, tt := range []struct{ name, objects, want string }{
		{"no objects", "", "Healthy"},
		{"all well", "Healthy Healthy", "Healthy"},
		{"2.6 order: Suspended is worse than Healthy", "Healthy Suspended", "Suspended"},
		{"2.6 order: Progressing is worse than Suspended", "Progressing Suspended", "Progressing"},
		{"2.6 order: Degraded is worse than Progressing", "Progressing Degraded Healthy", "Degraded"},
		{"2.6 order: Unknown is the worst", "Degraded Unknown", "Unknown"},
		{"2.15 fact 18: one that is missing does not make the app Missing", "Healthy Missing", "Healthy"},
		{"2.15 fact 18: nor is it worse than what is there", "Progressing Missing", "Progressing"},
		{"2.6 Missing: only when all are", "Missing Missing", "Missing"},
		{"2.6 no check: does not count", "none none", "Healthy"}, // kinds without a check do not count,
		{"2.6 no check: beside one with a check", "none Progressing", "Progressing"},
		{"2.6 no check: but it is there", "none Missing", "Healthy"}, // but are there
	} {
		t.Run(tt.name, func(t *testing.T) {
			var objects []Cause
			for code := range strings.FieldsSeq(tt.objects) {
				objects = append(objects, Cause{Health: Health{Code: api.HealthCode(strings.TrimPrefix(code, "none"))}})
			}
			if got := Worst(objects); string(got.Code) != tt.want {
				t.Errorf("got %s, want %s", got.Code, tt.want)
			}
		})
	}
}

// The message names up to three causes (SEMANTICS.md 1.7).
func TestWorstNamesCauses(t *testing.T) {
	bad := func(name string) Cause { return Cause{name, Health{api.HealthDegraded, "no " + name}} }
	slow := Cause{"slow", Health{api.HealthProgressing, "at it"}}
	for _, tt := range []struct {
		objects []Cause
		want    string
	}{
		{[]Cause{{"fine", Healthy}}, "Healthy "},
		{[]Cause{{"fine", Healthy}, slow}, "Progressing slow: at it"},
		{[]Cause{slow, bad("a"), {"fine", Healthy}, bad("b")}, "Degraded a: no a; b: no b"},
		{[]Cause{{"mute", Health{Code: api.HealthSuspended}}}, "Suspended mute"},
		{[]Cause{bad("a"), bad("b"), bad("c"), bad("d"), bad("e")}, "Degraded a: no a; b: no b; c: no c (and 2 more)"},
	} {
		h := Worst(tt.objects)
		if got := string(h.Code) + " " + h.Message; got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestSettled(t *testing.T) {
	for code, want := range map[api.HealthCode]bool{
		api.HealthHealthy: true, api.HealthSuspended: true, api.HealthProgressing: false,
		api.HealthDegraded: false, api.HealthMissing: false, api.HealthUnknown: false, "": true,
	} {
		if got := (Health{Code: code}).Settled(); got != want {
			t.Errorf("%s is settled: %v, want %v", code, got, want)
		}
	}
}
