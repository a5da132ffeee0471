// Package health says how well an object is, from the object alone: no clock,
// no cluster. The words are Argo CD's (SEMANTICS.md 2.6); the judgement is
// kstatus', but for the kinds where Argo CD's users rely on another one.
//
// Start with [Of] for one object and [Worst] for an Application.
package health

import (
	"cmp"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A Health is a verdict and, unless the object is healthy, the reason.
type Health struct {
	Code    api.HealthCode
	Message string
}

// Healthy is the verdict on an object that needs no reason.
var Healthy = Health{Code: api.HealthHealthy}

// order lists the codes from best to worst, as Argo CD compares them.
var order = []api.HealthCode{
	api.HealthHealthy, api.HealthSuspended, api.HealthProgressing,
	api.HealthMissing, api.HealthDegraded, api.HealthUnknown,
}

// Compare is negative if a is better than b.
func Compare(a, b api.HealthCode) int {
	return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
}

// Settled says that a wave need not wait for the object any longer: it is
// healthy, or it is suspended, which nothing but a person ends (DESIGN.md 4).
func (h Health) Settled() bool {
	return h.Code == api.HealthHealthy || h.Code == api.HealthSuspended
}

// Worst returns the worst of what an Application's objects are. Objects that
// are missing count only if all are (SEMANTICS.md 2.6). No objects are healthy.
func Worst(objects []Health) Health {
	present := slices.DeleteFunc(slices.Clone(objects), func(h Health) bool { return h.Code == api.HealthMissing })
	if len(present) == 0 && len(objects) > 0 {
		return Health{Code: api.HealthMissing}
	}
	worst := Healthy
	for _, h := range present {
		if Compare(h.Code, worst.Code) > 0 {
			worst = h
		}
	}
	return worst
}
