package shard

import (
	"context"
	"slices"
)

// Leases are where members tell of themselves.
type Leases interface {
	// Create makes the Lease of a member.
	Create(ctx context.Context, m Member) (Member, error)
	// Renew replaces the Lease of a member. It returns errGone if somebody has
	// deleted it.
	Renew(ctx context.Context, m Member) (Member, error)
	// Delete deletes a Lease, unless it was renewed since it was as m says: then it
	// returns errChanged.
	Delete(ctx context.Context, m Member) error
	// Follow tells of all Leases there are now, and then of those that are made,
	// renewed and deleted, until ctx ends.
	Follow(ctx context.Context, to Follower)
}

// A Follower is told of Leases.
type Follower interface {
	Listed([]Member)
	Seen(Member)
	// Deleted tells of one as it was last.
	Deleted(Member)
}

// Listed, Seen and Deleted make it a Follower.
func (s *Share) Listed(all []Member) {
	now := s.Clock.Now()
	s.mu.Lock()
	first := s.roster == nil
	if first {
		s.roster = NewRoster(s.self, all, now)
	}
	s.mu.Unlock()
	if first {
		tell(s.changed)
		return
	}
	s.notice(func(r *Roster) {
		for _, m := range r.Others() {
			if !slices.ContainsFunc(all, func(listed Member) bool { return listed.ID == m.ID }) {
				s.part(r, m.ID)
			}
		}
		for _, m := range all {
			r.See(m, now)
		}
	})
}

func (s *Share) Seen(m Member) {
	now := s.Clock.Now()
	s.notice(func(r *Roster) { r.See(m, now) })
}

func (s *Share) Deleted(m Member) {
	now := s.Clock.Now()
	s.notice(func(r *Roster) {
		if m.Leaving != nil { // its last word may come with its end
			r.See(m, now)
		}
		s.part(r, m.ID)
	})
}

// part keeps the last word of one that is gone. Who was at something then has not said
// what became of that.
func (s *Share) part(r *Roster, id string) {
	m, known := r.Gone(id)
	if !known {
		return
	}
	if s.parted[id] = m.Leaving; m.Leaving != nil && len(m.Leaving.At) > 0 {
		s.parted[id] = nil
	}
}

// notice changes the roster.
func (s *Share) notice(change func(*Roster)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roster == nil {
		return
	}
	joined, now := s.roster.Joined(), s.roster.now
	change(s.roster)
	if joined != s.roster.Joined() || !now.equal(s.roster.now) {
		tell(s.changed)
	}
}
