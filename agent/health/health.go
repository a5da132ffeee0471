// Package health says how well an object is, from the object alone: no clock,
// no cluster. The words are Argo CD's (SEMANTICS.md 2.6); the judgement is
// kstatus', but for the kinds where Argo CD's users rely on another one.
//
// Start with [Of] for one object and [Worst] for an Application.
package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A Health is a verdict and, unless the object is healthy, the reason. The zero
// Health is of what has none: it holds nothing up, and does not count.
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
	return h.Code == "" || h.Code == api.HealthHealthy || h.Code == api.HealthSuspended
}

// A Cause is the health of one object of an Application.
type Cause struct {
	// Object is its name for messages.
	Object string
	Health
}

// maxCauses is how many causes are named.
const maxCauses = 3

// Worst returns the worst of what an Application's objects are, and names up to
// three of the objects that are so. Objects that are missing count only if all are
// (SEMANTICS.md 2.6). No objects are healthy.
func Worst(objects []Cause) Health {
	present := slices.DeleteFunc(slices.Clone(objects), func(c Cause) bool { return c.Code == api.HealthMissing })
	if len(present) == 0 && len(objects) > 0 {
		return Health{Code: api.HealthMissing}
	}
	worst := Healthy
	for _, c := range present {
		if Compare(c.Code, worst.Code) > 0 {
			worst.Code = c.Code
		}
	}
	if worst != Healthy {
		worst.Message = causes(present, worst.Code)
	}
	return worst
}

// causes names the objects of a code, the first few of them.
func causes(objects []Cause, code api.HealthCode) string {
	var named []string
	more := 0
	for _, c := range objects {
		switch {
		case c.Code != code:
		case len(named) == maxCauses:
			more++
		default:
			named = append(named, strings.TrimSuffix(c.Object+": "+c.Message, ": "))
		}
	}
	text := strings.Join(named, "; ")
	if more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}
