package external

import (
	"fmt"
	"time"
)

// defaultRefresh is what the CRD sets for spec.refreshInterval.
const defaultRefresh = time.Hour

// refresh says how long a result counts; 0 means until the ExternalSecret
// changes, or for ever.
func (s *spec) refresh() (time.Duration, error) {
	every := defaultRefresh
	if s.RefreshInterval != nil {
		var err error
		if every, err = time.ParseDuration(*s.RefreshInterval); err != nil {
			return 0, fmt.Errorf("%w: spec.refreshInterval %q is no duration such as 1h", ErrInvalid, *s.RefreshInterval)
		}
	}
	if s.RefreshPolicy == "OnChange" || s.RefreshPolicy == "CreatedOnce" {
		return 0, nil
	}
	return max(every, 0), nil
}

// due says when what was fetched is to be asked for again, zero for never.
func (s *spec) due(application string, fetched time.Time) (time.Time, error) {
	every, err := s.refresh()
	if err != nil || every == 0 {
		return time.Time{}, err
	}
	next := due(application, fetched, every)
	if s.SyncWindows != nil {
		next = s.SyncWindows.open(next)
	}
	return next, nil
}

// forever says that no later value of the provider is wanted, not even of a
// changed ExternalSecret: SEMANTICS.md 4.2 of CreatedOnce and of an interval of
// 0. The data of an immutable Secret cannot change either.
func (s *spec) forever() bool {
	if s.RefreshPolicy == "CreatedOnce" || s.Target.Immutable {
		return true
	}
	every, err := s.refresh()
	return err == nil && every == 0 && s.RefreshPolicy != "OnChange"
}

// lasting says that a fetch at the wrong time does harm, so that when the last
// one was must outlive the agent: it is written on the Secret.
func (s *spec) lasting() bool {
	return s.forever() || s.RefreshPolicy == "OnChange" || s.generates()
}

// holds says that what is known still counts.
func (s *spec) holds(known memory, input string, now time.Time, fresh bool) bool {
	secret := known.result.Secret
	switch {
	case known.input == "":
		return false
	case known.good && s.forever() && secret != nil && secret.Key.Name == s.Target.Name:
		return true
	case known.input != input:
		return false
	case fresh && (!known.good || !s.generates()): // a new password is no fresher than the old one
		return false
	}
	return !known.isDue(s, now)
}
