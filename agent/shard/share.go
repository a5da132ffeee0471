package shard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// DefaultTerm is for how long a Lease is good after a renewal.
const DefaultTerm = 15 * time.Second

// Config is what a Share needs; every field but Clock.
type Config struct {
	Leases Leases
	// Name tells people which replica it is, such as the pod's.
	Name string
	// Place, Address and Print are those of a Member.
	Place, Address, Print string
	// Term is for how long the Lease is good, in whole seconds: what a member had that
	// was killed is another's by then.
	Term time.Duration
	// Running is the work on what falls to this replica.
	Running *Running
	// Marks says how far this process has seen; nil if that is not known.
	Marks func() Marks
	// CatchUp makes sure that what is known here of what was gained is no older than the
	// last write of those who had it. It is called before anything of it is begun: by
	// then their work on it has ended. While it fails nothing of the kind is begun.
	CatchUp func(ctx context.Context, gain Gain) error
	// Gained is told of what Owns may say yes to from now on, and did not before.
	Gained func(gained func(types.NamespacedName) bool)
	// Release drops what is kept of all that Owns does not say yes to. The work on it has
	// ended.
	Release func()
	Log     *slog.Logger
	// Clock is the process's; nil is the machine's.
	Clock Clock
}

// A Gain is what falls to a member and was others'.
type Gain struct {
	// Has says whether something is in it.
	Has func(types.NamespacedName) bool
	// Told says of something in it that those who had it have said how far they have seen,
	// as Marks has it, which is in Seen. Of the rest there is no telling.
	Told func(types.NamespacedName) bool
	Seen []Marks
}

// A Share says what of the work is this replica's. It is safe for concurrent use.
type Share struct {
	Config
	tick     time.Duration // between renewals, and for how long one may take
	patience time.Duration // without a renewal, before all work ends

	made chan struct{} // holds one if room was made that the Lease does not tell of

	mu      sync.RWMutex // guards all below
	self    Member
	roster  *Roster             // nil before the first list, and when the term is over
	room    []string            // for whom room was made
	sure    []division          // when this one last caught up, and all that were since
	parted  map[string]*Leaving // who has gone since, and their last words; nil if there was none, or not the last
	renewed time.Time           // when the last renewal that succeeded was begun
	changed chan struct{}       // holds one if somebody came or went
}

// New returns the Share of a replica that has none yet.
func New(config Config) *Share {
	if config.Clock == nil {
		config.Clock = machine{}
	}
	config.Term = config.Term.Truncate(time.Second)
	return &Share{Config: config, made: make(chan struct{}, 1), tick: config.Term / 6, patience: patience(config.Term)}
}

// Owns says whether an Application is this replica's to work on.
func (s *Share) Owns(app types.NamespacedName) bool {
	now := s.Clock.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.takesPart(now) || s.roster.Owner(app) != s.self.ID {
		return false
	}
	for _, d := range s.sure {
		if d.owner(app) != s.self.ID {
			return false
		}
	}
	return true
}

// takesPart says that there may be something that is this replica's. The caller holds
// s.mu.
func (s *Share) takesPart(now time.Time) bool {
	return s.roster != nil && len(s.sure) > 0 && passed(s.renewed, now) < s.patience && s.roster.Joined()
}

// Settled says whether this replica has the share that falls to it.
func (s *Share) Settled() bool {
	now := s.Clock.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.takesPart(now) && len(s.sure) == 1 && s.sure[0].equal(s.roster.now)
}

// Others are the other replicas that take part, as far as they are known.
func (s *Share) Others() (others []Member) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.roster == nil {
		return nil
	}
	for _, m := range s.roster.Others() {
		if m.Leaving == nil {
			others = append(others, m)
		}
	}
	return others
}

// tell makes a channel hold one.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
