package external

import (
	"hash/fnv"
	"math"
	"time"
)

// Results fall due up to a tenth of their interval early, each Application by a
// part of that which is its own: so those that came together, as after a start of
// the agent, do not ask together for ever. Early and not late, for who says 1h is
// to have a new value within it.
const spread = 10

// Those of one Application that fall due within a twentieth of their interval,
// and within joinWithin, are asked for together: one pass does for all.
const (
	join       = 20
	joinWithin = 15 * time.Second
)

// due returns when a result of now counts no more.
func due(application string, now time.Time, every time.Duration) time.Time {
	sum := fnv.New32a()
	sum.Write([]byte(application)) // never fails
	share := float64(sum.Sum32()) / math.MaxUint32
	return now.Add(every - time.Duration(share*float64(every/spread)))
}

// joins returns how long before its time a result may be replaced.
func joins(every time.Duration) time.Duration { return min(every/join, joinWithin) }
