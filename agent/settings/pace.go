package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Pace is how often Applications are looked at without a reason.
type Pace struct {
	// Interval is between two looks, and between two questions to a repository; 0 is
	// that only what is heard counts.
	Interval time.Duration
	// Jitter is by how much a look may come later, so that not all come at once.
	Jitter time.Duration
	// Hard is how often what was rendered is dropped for it; 0 is never.
	Hard time.Duration
	// Rest is how long a failed revision rests, and what was found stands for fresh:
	// the interval, or the usual one if there is none.
	Rest time.Duration
}

// Pace is as the ConfigMap says, and as usual where it says nothing.
func (s *Settings) Pace(usual time.Duration) Pace {
	if s.interval != nil {
		return s.pace(*s.interval, usual)
	}
	return s.pace(usual, usual)
}

// Insist is Pace with an interval that the ConfigMap does not change.
func (s *Settings) Insist(interval time.Duration) Pace { return s.pace(interval, interval) }

func (s *Settings) pace(interval, rest time.Duration) Pace {
	p := Pace{Interval: interval, Jitter: interval / 2, Hard: s.hard, Rest: interval}
	if interval == 0 {
		p.Rest = rest
	}
	if s.jitter != nil {
		p.Jitter = *s.jitter
	}
	return p
}

// Limits of what the ConfigMap says: a shorter interval is a mistake, such as 30
// for 30s, and would keep the agent busy with nothing.
const (
	leastSpan = time.Second
	mostSpan  = 365 * 24 * time.Hour
)

// readSpan reads a duration as Argo CD does, 180s, 3m, 2h or 1d, or as Go does;
// without a unit only 0.
func readSpan(text string) (entry, error) {
	text = strings.TrimSpace(text)
	span, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		span = time.Duration(n) * 24 * time.Hour
	}
	switch {
	case err != nil:
		return entry{}, fmt.Errorf("%.40q is no duration such as 180s, 3m or 1d", text)
	case span != 0 && span < leastSpan:
		return entry{}, fmt.Errorf("%.40q is less than %s, and not 0", text, leastSpan)
	case span > mostSpan:
		return entry{}, fmt.Errorf("%.40q is more than a year", text)
	}
	return entry{span: span}, nil
}

// Patience is how long Argo CD may take to look at an Application again that nothing
// happens to, with some grace. By what its own settings leave out it looks every two
// minutes, or up to one later.
func (s *Settings) Patience() time.Duration {
	const grace, never = time.Minute, 30 * time.Minute
	interval, jitter := 2*time.Minute, time.Minute
	if s.interval != nil {
		interval = *s.interval
	}
	if s.jitter != nil {
		jitter = *s.jitter
	}
	if interval == 0 {
		return never
	}
	return interval + jitter + grace
}
