package shard

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
)

// DefaultTerm is for how long a member counts as alive after a renewal.
const DefaultTerm = 15 * time.Second

// catchUpPause is how long to wait until what failed is tried again.
const catchUpPause = time.Second

// farewell is how long a member that was told to end may take to say so.
const farewell = 5 * time.Second

var (
	errGone    = errors.New("the Lease was deleted")
	errChanged = errors.New("the Lease was renewed meanwhile")
	errLate    = errors.New("the Lease could not be renewed in time")
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
	Deleted(id string)
}

// Config is what a Share needs; every field.
type Config struct {
	Leases Leases
	// Name tells people which replica it is, such as the pod's.
	Name string
	// Place, Address and Print are those of a Member.
	Place, Address, Print string
	// Term is how long after its last renewal a member is taken for dead.
	Term time.Duration
	// Drain ends the work on all that Owns does not say yes to, and returns when it
	// has ended. It is not called twice at a time.
	Drain func(ctx context.Context)
	// CatchUp makes sure that what is known here of what was gained is no older than now.
	// It is called before anything is begun that may have been another's: by then that one
	// has ended its work on it. While it fails nothing of the kind is begun.
	CatchUp func(ctx context.Context, gained func(types.NamespacedName) bool) error
	// Gained is called when there may be more that Owns says yes to.
	Gained func()
	Log    *slog.Logger
}

// A Share says what of the work is this replica's. It is safe for concurrent use.
type Share struct {
	Config
	tick, patience time.Duration // between renewals; without one, before all work ends

	made chan struct{} // holds one if room was made that the Lease does not tell of

	mu      sync.RWMutex // guards all below
	self    Member
	roster  *Roster       // nil before the first list, and when the term is over
	room    []string      // for whom room was made
	sure    [][]string    // the members when this one last caught up, and all that were since
	renewed time.Time     // when the last renewal that succeeded was begun
	changed chan struct{} // holds one if somebody came or went
}

// New returns the Share of a replica that has none yet.
func New(config Config) *Share {
	return &Share{Config: config, made: make(chan struct{}, 1), tick: config.Term / 5, patience: config.Term * 2 / 3}
}

// Owns says whether an Application is this replica's to work on.
func (s *Share) Owns(app types.NamespacedName) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.takesPart() || s.roster.Owner(app) != s.self.ID {
		return false
	}
	for _, members := range s.sure {
		if Owner(members, app) != s.self.ID {
			return false
		}
	}
	return true
}

// takesPart says that there may be something that is this replica's. The caller holds
// s.mu.
func (s *Share) takesPart() bool {
	return s.roster != nil && len(s.sure) > 0 && time.Since(s.renewed) < s.patience && s.roster.Joined()
}

// Settled says whether this replica has the share that falls to it.
func (s *Share) Settled() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.takesPart() && len(s.sure) == 1 && slices.Equal(s.sure[0], s.roster.ids)
}

// Others are the other replicas, as far as they are known.
func (s *Share) Others() []Member {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.roster == nil {
		return nil
	}
	return s.roster.Others()
}

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
	g.Go(func() error { return s.yield(serving) })
	err := g.Wait()
	s.leave(ctx)
	return err
}

// enter makes the Lease of a new term, trying again while it cannot be made.
func (s *Share) enter(ctx context.Context) error {
	m := Member{ID: s.Name + "-" + rand.Text()[:8], Place: s.Place, Address: s.Address, Print: s.Print}
	m.ID = strings.ToLower(m.ID)
	for {
		begun := time.Now()
		made, err := s.Leases.Create(ctx, m)
		if err == nil {
			s.mu.Lock()
			s.self, s.room, s.sure, s.renewed, s.changed = made, nil, nil, begun, make(chan struct{}, 1)
			s.mu.Unlock()
			return nil
		}
		s.Log.Warn("no Lease to work under yet", "replica", m.ID, "error", err)
		select {
		case <-time.After(s.tick):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keep renews the Lease in time, and deletes those of the dead.
func (s *Share) keep(ctx context.Context) error {
	tick := time.NewTicker(s.tick)
	defer tick.Stop()
	for {
		s.mu.RLock()
		left := time.Until(s.renewed.Add(s.patience))
		s.mu.RUnlock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.made:
		case <-time.After(left):
			return errLate
		}
		if err := s.renew(ctx); err != nil {
			return err
		}
		s.bury(ctx, s.overdue())
	}
}

// renew writes the Lease anew. An error says that the term is over.
func (s *Share) renew(ctx context.Context) error {
	s.mu.RLock()
	m, end := s.self, s.renewed.Add(s.patience)
	m.Room = slices.Clone(s.room)
	s.mu.RUnlock()
	begun := time.Now()
	trying, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	renewed, err := s.Leases.Renew(trying, m)
	switch {
	case err == nil:
		s.mu.Lock()
		s.self, s.renewed = renewed, begun
		s.mu.Unlock()
		return nil
	case errors.Is(err, errGone):
		return err
	case !time.Now().Before(end):
		return fmt.Errorf("%w: %w", errLate, err)
	}
	return nil // there is time for another try
}

func (s *Share) overdue() []Member {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.roster == nil {
		return nil
	}
	return s.roster.Overdue(time.Now(), s.Term)
}

// bury deletes the Leases of the dead. Who turns out to be alive stays.
func (s *Share) bury(ctx context.Context, dead []Member) {
	for _, m := range dead {
		switch err := s.Leases.Delete(ctx, m); {
		case err == nil || errors.Is(err, errGone):
			s.Log.Info("a replica is gone", "replica", m.ID)
			s.Deleted(m.ID)
		case !errors.Is(err, errChanged):
			s.Log.Warn("the Lease of a replica that is gone cannot be deleted", "replica", m.ID, "error", err)
		}
	}
}

// yield makes room for those who come, and has work begun that falls to this replica.
func (s *Share) yield(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
		}
		s.mu.Lock()
		self, others, members, joined := s.self.ID, s.roster.Others(), s.roster.ids, s.roster.Joined()
		dead := Dead(s.self, others)
		known := s.sure
		if n := len(known); n > 0 && !slices.Equal(known[n-1], members) {
			s.sure = append(slices.Clip(known), members)
		}
		s.mu.Unlock()
		s.Log.Info("the Applications are divided among replicas", "replica", self, "replicas", members, "joined", joined)
		begun := time.Now()
		s.bury(ctx, dead)
		s.Drain(ctx)
		s.makeRoom(others)
		if !joined {
			continue
		}
		if (len(known) != 1 || !within(known[0], members)) && !s.caughtUp(ctx, gains(self, known, members)) {
			continue
		}
		s.mu.Lock()
		s.sure = [][]string{members}
		s.mu.Unlock()
		s.Log.Info("this replica has its share", "replica", self, "took", time.Since(begun).String())
		s.Gained()
	}
}

// gains says what falls to a replica among members that did not among those known before.
func gains(self string, known [][]string, members []string) func(types.NamespacedName) bool {
	return func(app types.NamespacedName) bool {
		had := len(known) > 0 && !slices.ContainsFunc(known, func(before []string) bool { return Owner(before, app) != self })
		return !had && Owner(members, app) == self
	}
}

// within says that all of some members are among others: by those who have come
// nothing is gained.
func within(some, others []string) bool {
	return !slices.ContainsFunc(some, func(id string) bool { return !slices.Contains(others, id) })
}

// caughtUp catches up. If that fails it is tried again soon, with whoever is there then.
func (s *Share) caughtUp(ctx context.Context, gained func(types.NamespacedName) bool) bool {
	err := s.CatchUp(ctx, gained)
	if err == nil || ctx.Err() != nil {
		return err == nil
	}
	s.Log.Warn("what others have done is not known yet: nothing of theirs is begun", "error", err)
	select {
	case <-time.After(catchUpPause):
	case <-ctx.Done():
	}
	tell(s.changed)
	return false
}

// makeRoom has the Lease tell that the work on what falls to others has ended.
func (s *Share) makeRoom(others []Member) {
	var room []string
	for _, m := range others {
		room = append(room, m.ID)
	}
	s.mu.Lock()
	same := slices.Equal(s.room, room)
	s.room = room
	s.mu.Unlock()
	if !same {
		tell(s.made)
	}
}

// leave ends all work, and then the term, so that the others go on at once.
func (s *Share) leave(ctx context.Context) {
	s.mu.Lock()
	s.roster, s.sure = nil, nil
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	s.Drain(ctx)
	if ctx.Err() != nil {
		return // it may still be at work: the others wait for the end of the term
	}
	own := Member{ID: s.self.ID} // whatever version it has
	if err := s.Leases.Delete(ctx, own); err != nil && !errors.Is(err, errGone) {
		s.Log.Warn("the others take this replica's Applications at the end of its term only", "replica", s.self.ID, "error", err)
	}
}

// Listed, Seen and Deleted make it a Follower.
func (s *Share) Listed(all []Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roster == nil {
		s.roster = NewRoster(s.self, all, time.Now())
		tell(s.changed)
		return
	}
	s.notice(func(r *Roster) {
		for _, m := range r.Others() {
			if !slices.ContainsFunc(all, func(listed Member) bool { return listed.ID == m.ID }) {
				r.Gone(m.ID)
			}
		}
		for _, m := range all {
			r.See(m, time.Now())
		}
	})
}

func (s *Share) Seen(m Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice(func(r *Roster) { r.See(m, time.Now()) })
}

func (s *Share) Deleted(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice(func(r *Roster) { r.Gone(id) })
}

// notice changes the roster. The caller holds s.mu.
func (s *Share) notice(change func(*Roster)) {
	if s.roster == nil {
		return
	}
	joined, ids := s.roster.Joined(), s.roster.ids
	change(s.roster)
	if joined != s.roster.Joined() || !slices.Equal(ids, s.roster.ids) {
		tell(s.changed)
	}
}

// tell makes a channel hold one.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
