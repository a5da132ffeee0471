package shard

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	errGone    = errors.New("the Lease was deleted")
	errChanged = errors.New("the Lease was renewed meanwhile")
	errLate    = errors.New("the Lease could not be renewed in time")
)

// Run takes part until ctx ends.
func (s *Share) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.serve(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("this replica gives up its Applications, and begins anew", "replica", s.self.ID, "error", err)
		}
	}
	return nil
}

// serve is one term, under one ID.
func (s *Share) serve(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	g, serving := errgroup.WithContext(ctx)
	g.Go(func() error { s.Leases.Follow(serving, s); return nil })
	g.Go(func() error { return s.keep(serving) })
	g.Go(func() error { return s.mourn(serving) })
	g.Go(func() error { return s.yield(serving) })
	err := g.Wait()
	s.leave(ctx, errors.Is(err, errGone))
	return err
}

// enter makes the Lease of a new term, trying again while it cannot be made.
func (s *Share) enter(ctx context.Context) error {
	m := Member{ID: s.Name + "-" + rand.Text()[:8], Place: s.Place, Address: s.Address, Print: s.Print}
	m.ID = strings.ToLower(m.ID)
	for {
		begun := s.Clock.Now()
		made, err := s.Leases.Create(ctx, m)
		if err == nil {
			s.mu.Lock()
			s.self, s.room, s.sure, s.renewed, s.changed = made, nil, nil, begun, make(chan struct{}, 1)
			s.parted = map[string]*Leaving{}
			s.mu.Unlock()
			return nil
		}
		s.Log.Warn("no Lease to work under yet", "replica", m.ID, "error", err)
		select {
		case <-s.Clock.After(s.tick):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keep renews the Lease in time.
func (s *Share) keep(ctx context.Context) error {
	next := s.Clock.After(s.tick)
	for {
		now := s.Clock.Now()
		s.mu.RLock()
		left := s.patience - passed(s.renewed, now)
		s.mu.RUnlock()
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		case <-s.made:
		case <-s.Clock.After(left):
			return errLate
		}
		next = s.Clock.After(s.tick)
		if err := s.renew(ctx); err != nil {
			return err
		}
	}
}

// renew writes the Lease anew. An error says that the term is over.
func (s *Share) renew(ctx context.Context) error {
	begun := s.Clock.Now()
	s.mu.RLock()
	m, before := s.self, s.renewed
	m.Room = slices.Clone(s.room)
	s.mu.RUnlock()
	trying, cancel := context.WithTimeout(ctx, min(s.tick, s.patience-passed(before, begun)))
	defer cancel()
	renewed, err := s.Leases.Renew(trying, m)
	switch {
	case errors.Is(err, errGone):
		return err
	case err == nil:
		s.mu.Lock()
		s.self, s.renewed = renewed, begun
		s.mu.Unlock()
	}
	// Somebody may have been told by then that nothing is this replica's any more.
	if passed(before, s.Clock.Now()) >= s.patience {
		return errors.Join(errLate, err)
	}
	return nil // there is time for another try
}

// buryPause is how long to wait until a Lease that cannot be deleted is tried again.
const buryPause = 200 * time.Millisecond

// mourn deletes the Leases of the dead, the moment that they count as such.
func (s *Share) mourn(ctx context.Context) error {
	for {
		now := s.Clock.Now()
		s.mu.RLock()
		wait := s.tick
		if s.roster != nil {
			if at := s.roster.Expiry(s.Term); !at.IsZero() {
				wait = min(wait, at.Sub(now))
			}
		}
		s.mu.RUnlock()
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(wait):
		}
		if s.bury(ctx, s.overdue()) {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(buryPause):
		}
	}
}

func (s *Share) overdue() []Member {
	now := s.Clock.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.roster == nil {
		return nil
	}
	return s.roster.Overdue(now, s.Term)
}

// bury deletes the Leases of the dead, and says whether that is done. Who turns out to
// be alive stays.
func (s *Share) bury(ctx context.Context, dead []Member) bool {
	done := true
	for _, m := range dead {
		trying, cancel := context.WithTimeout(ctx, s.tick)
		err := s.Leases.Delete(trying, m)
		cancel()
		switch {
		case err == nil || errors.Is(err, errGone):
			s.Log.Info("a replica is gone", "replica", m.ID)
			s.Deleted(m)
		case errors.Is(err, errChanged):
			now := s.Clock.Now()
			s.notice(func(r *Roster) { r.Hear(m.ID, now) })
		default:
			done = false
			s.Log.Warn("the Lease of a replica that is gone cannot be deleted", "replica", m.ID, "error", err)
		}
	}
	return done
}
