package window

import (
	"math"
	"time"
)

// horizon is horizonDays in seconds.
const horizon = horizonDays * 24 * 60 * 60

// A clock is a pattern in a zone: it strikes at instants, in seconds since 1970 UTC.
type clock struct {
	*pattern
	zone *time.Location
}

// A period is a stretch of time, from start until before end, in which a zone keeps its
// offset from UTC. All is in seconds.
type period struct {
	start, end int64
	// offset and before are the zone's offsets in the period and right before it.
	offset, before int64
}

// endless stands for the start of a zone's first period, and the end of its last. It
// leaves room for sums.
const endless = math.MaxInt64 / 4

// period returns the period of an instant. In the years for which a zone has but a rule,
// package time counts periods by calendar years of 365 days: one may end without a change
// of the offset, and the last day of a leap year lies past its end.
func (c clock) period(instant int64) period {
	t := time.Unix(instant, 0).In(c.zone)
	_, offset := t.Zone()
	p := period{start: -endless, end: endless, offset: int64(offset), before: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		p.start, p.before = start.Unix(), int64(before)
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	if p.end <= instant {
		p.end = time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	}
	return p
}

// first returns the wall clock's second from which on the period counts. Where clocks
// were put back, that is not the one of its start: what they repeat has been.
func (c clock) first(p period) int64 {
	if c.star {
		return p.start + p.offset
	}
	return p.start + max(p.offset, p.before)
}

// skipped reports whether the clocks, put forward at the start of a period, skipped a
// match. The clock strikes at that start, then.
func (c clock) skipped(p period) bool {
	if p.offset <= p.before {
		return false
	}
	w, ok := c.pattern.from(ceilMinute(p.start + p.before))
	return ok && int64(w)*60 < p.start+p.offset
}

// from returns the first strike at or after an instant; false if there is none for ten
// years.
func (c clock) from(instant int64) (int64, bool) {
	for end := instant + horizon; instant < end; {
		p := c.period(instant)
		if instant == p.start && c.skipped(p) {
			return instant, true
		}
		w, ok := c.pattern.from(ceilMinute(max(instant+p.offset, c.first(p))))
		if !ok {
			return 0, false
		}
		if strike := int64(w)*60 - p.offset; strike < p.end {
			return strike, true
		}
		instant = p.end
	}
	return 0, false
}

// last returns the last strike at or before an instant; false if there is none for ten
// years.
func (c clock) last(instant int64) (int64, bool) {
	for end := instant - horizon; instant > end; {
		p := c.period(instant)
		w, ok := c.pattern.last(floorMinute(instant + p.offset))
		if !ok {
			return 0, false
		}
		if int64(w)*60 >= c.first(p) {
			return int64(w)*60 - p.offset, true
		}
		if c.skipped(p) {
			return p.start, true
		}
		instant = p.start - 1
	}
	return 0, false
}
