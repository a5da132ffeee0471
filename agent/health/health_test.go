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
	} {
		t.Run(tt.objects, func(t *testing.T) {
			var objects []Health
			for code := range strings.FieldsSeq(tt.objects) {
				objects = append(objects, Health{Code: api.HealthCode(code)})
			}
			if got := Worst(objects); string(got.Code) != tt.want {
				t.Errorf("got %s, want %s", got.Code, tt.want)
			}
		})
	}
}

func TestWorstKeepsTheFirstReason(t *testing.T) {
	got := Worst([]Health{Healthy, {api.HealthDegraded, "one"}, {api.HealthDegraded, "two"}})
	if got.Message != "one" {
		t.Errorf("reason %q, want that of the first", got.Message)
	}
}

func TestSettled(t *testing.T) {
	for code, want := range map[api.HealthCode]bool{
		api.HealthHealthy: true, api.HealthSuspended: true, api.HealthProgressing: false,
		api.HealthDegraded: false, api.HealthMissing: false, api.HealthUnknown: false,
	} {
		if got := (Health{Code: code}).Settled(); got != want {
			t.Errorf("%s is settled: %v, want %v", code, got, want)
		}
	}
}
