package api

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Defaults of [Backoff].
const (
	DefaultBackoffDuration    = 5 * time.Second
	DefaultBackoffFactor      = 2
	DefaultBackoffMaxDuration = 3 * time.Minute
)

// IsEnabled reports whether automatic sync is on: a is not nil, and Enabled not false.
func (a *Automated) IsEnabled() bool {
	return a != nil && (a.Enabled == nil || *a.Enabled)
}

// Prunes reports whether automatic syncs delete what is no longer in Git.
func (a *Automated) Prunes() bool { return a != nil && isTrue(a.Prune) }

// Heals reports whether drift of the live state is undone.
func (a *Automated) Heals() bool { return a != nil && isTrue(a.SelfHeal) }

// AllowsEmpty reports whether an automatic sync may prune every object.
func (a *Automated) AllowsEmpty() bool { return a != nil && isTrue(a.AllowEmpty) }

func isTrue(b *bool) bool { return b != nil && *b }

// IsAutomated reports whether automatic sync is on.
func (p *SyncPolicy) IsAutomated() bool { return p != nil && p.Automated.IsEnabled() }

// Options returns the sync options, none if p is nil.
func (p *SyncPolicy) Options() SyncOptions {
	if p == nil {
		return nil
	}
	return p.SyncOptions
}

// RetryOf returns the retry strategy of an automatic or a manual sync.
func (p *SyncPolicy) RetryOf(automated bool) Retry {
	switch {
	case p != nil && p.Retry != nil:
		return *p.Retry
	case automated:
		return Retry{Limit: DefaultAutomatedRetryLimit}
	}
	return Retry{}
}

// Allows reports whether there may be another retry after so many.
func (r Retry) Allows(retries int64) bool {
	return r.Limit < 0 || retries < r.Limit
}

// Delay returns how long to wait, after a failed run, before the next: Duration before
// the first retry, when none was made yet, and Factor times more before each further
// one, up to MaxDuration. An error means that the back-off cannot be parsed.
func (r Retry) Delay(retries int64) (time.Duration, error) {
	b := Backoff{}
	if r.Backoff != nil {
		b = *r.Backoff
	}
	duration, err := durationOr(b.Duration, DefaultBackoffDuration)
	if err != nil {
		return 0, fmt.Errorf("retry.backoff.duration: %w", err)
	}
	limit, err := durationOr(b.MaxDuration, DefaultBackoffMaxDuration)
	if err != nil {
		return 0, fmt.Errorf("retry.backoff.maxDuration: %w", err)
	}
	factor := float64(DefaultBackoffFactor)
	if b.Factor != nil {
		factor = float64(*b.Factor)
	}
	if limit <= 0 {
		limit = math.MaxInt64
	}
	// In floating point, for the product may be larger than any Duration.
	delay := float64(max(0, duration)) * math.Pow(factor, float64(max(0, retries)))
	switch {
	case delay >= float64(limit):
		return limit, nil
	case delay > 0:
		return time.Duration(delay), nil
	}
	return 0, nil // a factor below one, or 0 times infinity, which is no number
}

func durationOr(s string, otherwise time.Duration) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	return ParseDuration(s)
}

// ParseDuration parses a Go duration, or a bare whole number of seconds.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > int64(math.MaxInt64/time.Second) || n < int64(math.MinInt64/time.Second) {
			return 0, fmt.Errorf("duration %q is out of range", clip(s))
		}
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("duration %q is neither seconds nor like 1m30s", clip(s))
	}
	return d, nil
}
