package health

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

func TestWorst(t *testing.T) {
	for _, tt := range []struct{ objects, want string }{
		{"", "Healthy"},
		{"Healthy Healthy", "Healthy"},
		{"Healthy Suspended", "Suspended"},
		{"Progressing Suspended", "Progressing"},
		{"Progressing Degraded Healthy", "Degraded"},
		{"Degraded Unknown", "Unknown"},
		{"Healthy Missing", "Healthy"},
		{"Progressing Missing", "Progressing"},
		{"Missing Missing", "Missing"},
		{"none none", "Healthy"}, // kinds without a check do not count,
		{"none Progressing", "Progressing"},
		{"none Missing", "Healthy"}, // but are there
	} {
		t.Run(tt.objects, func(t *testing.T) {
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
