package shard

import (
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"k8s.io/apimachinery/pkg/types"
)

// A Member is one replica, as its Lease has it.
type Member struct {
	// ID is of one term of one process, and never comes back.
	ID string
	// Place is where the process runs; there is never another one there. Empty if
	// nothing is known of that.
	Place string
	// Address is where the others reach it, such as 10.0.0.7:8083; "" if nowhere.
	Address string
	// Print tells its certificate from all others.
	Print string
	// Room is for whom it has made room, by ID.
	Room []string
	// Leaving is its last word; nil as long as it takes part.
	Leaving *Leaving
	// Term is for how long its Lease is good; 0 if it does not say.
	Term time.Duration
	// Version is another after each renewal.
	Version string
}

// Leaving is what a member says that ends: it has no Applications any more, and begins
// nothing.
type Leaving struct {
	// At is what it is still at.
	At []types.NamespacedName
	// Seen is how far it has seen what is written on all that it is not at any more, by
	// itself and by those that had it before; nil if it cannot say.
	Seen Marks
	// Among are the members among whom it had all that fell to it: of that it speaks. None
	// if it had yet to find out about some.
	Among []string
}

// Marks say how far somebody has seen: at a place, such as a cluster, and of a kind of
// objects, the newest version. Whose watches have come as far has seen as much.
type Marks map[string]map[string]string

// A division is how the Applications fall to members.
type division struct {
	ids []string                      // of those that take part, sorted
	at  map[types.NamespacedName]bool // what members that leave are still at: it falls to nobody
}

func (d division) owner(app types.NamespacedName) string {
	if d.at[app] {
		return ""
	}
	return Owner(d.ids, app)
}

func (d division) equal(other division) bool { return d.within(other) && other.within(d) }

// within says that nothing falls to anybody in other that did not in d: some may have
// come, and none has gone.
func (d division) within(other division) bool {
	for app := range d.at {
		if !other.at[app] {
			return false
		}
	}
	return !slices.ContainsFunc(d.ids, func(id string) bool { return !slices.Contains(other.ids, id) })
}

// A Roster is what one member knows of all.
type Roster struct {
	self   string
	others map[string]*sighting
	now    division
}

type sighting struct {
	Member
	renewed time.Time // when the last renewal was seen
	elder   bool      // it was there first, and has not made room yet
}

// NewRoster returns the Roster of a member that has made its Lease and then listed
// all that there are. Those of dead processes are left out, see Dead.
func NewRoster(self Member, listed []Member, now time.Time) *Roster {
	r := &Roster{self: self.ID, others: map[string]*sighting{}}
	for _, m := range listed {
		if m.ID != self.ID {
			r.others[m.ID] = &sighting{Member: m, renewed: now, elder: !slices.Contains(m.Room, self.ID)}
		}
	}
	r.divide()
	return r
}

// See takes it that a Lease is as m says.
func (r *Roster) See(m Member, now time.Time) {
	if m.ID == r.self {
		return
	}
	s, known := r.others[m.ID]
	if !known {
		s = &sighting{renewed: now}
		r.others[m.ID] = s
	}
	if m.Version != s.Version {
		s.renewed = now
	}
	turned := !known || m.Leaving != nil || s.Leaving != nil
	s.Member, s.elder = m, s.elder && !slices.Contains(m.Room, r.self)
	if turned {
		r.divide()
	}
}

// Hear takes it that somebody has renewed its Lease, nobody knows when.
func (r *Roster) Hear(id string, now time.Time) {
	if s, known := r.others[id]; known {
		s.renewed = now
	}
}

// Gone takes it that a Lease was deleted, and returns what is known of who had it.
func (r *Roster) Gone(id string) (m Member, known bool) {
	s, known := r.others[id]
	if !known {
		return Member{}, false
	}
	delete(r.others, id)
	r.divide()
	return s.Member, true
}

func (r *Roster) divide() {
	r.now = division{[]string{r.self}, map[types.NamespacedName]bool{}}
	for id, s := range r.others {
		if s.Leaving == nil {
			r.now.ids = append(r.now.ids, id)
			continue
		}
		for _, app := range s.Leaving.At {
			r.now.at[app] = true
		}
	}
	slices.Sort(r.now.ids)
}

// Joined says that whoever was there before has made room, or leaves.
func (r *Roster) Joined() bool {
	for _, s := range r.others {
		if s.elder && s.Leaving == nil {
			return false
		}
	}
	return true
}

// Owner is the member that an Application falls to; "" if somebody is still at it who
// leaves.
func (r *Roster) Owner(app types.NamespacedName) string { return r.now.owner(app) }

// Others lists the other members that have a Lease, by ID.
func (r *Roster) Others() []Member {
	var others []Member
	for _, s := range r.others {
		others = append(others, s.Member)
	}
	slices.SortFunc(others, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return others
}

// Expiry is when the first of the others counts as dead, if none is seen to renew; zero
// if there are no others. A Lease that does not say for how long it is good is good for
// a term.
func (r *Roster) Expiry(term time.Duration) (first time.Time) {
	for _, s := range r.others {
		if at := s.renewed.Add(s.silence(term)); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// Overdue lists who has not been seen to renew for so long that it counts as dead.
func (r *Roster) Overdue(now time.Time, term time.Duration) []Member {
	var overdue []Member
	for _, m := range r.Others() {
		if s := r.others[m.ID]; now.Sub(s.renewed) >= s.silence(term) {
			overdue = append(overdue, m)
		}
	}
	return overdue
}

// silence is for how long a member has to be silent to count as dead.
func (m Member) silence(term time.Duration) time.Duration {
	if m.Term > 0 {
		term = m.Term
	}
	return term * 2 / 3
}

// patience is for how long a member goes on without a renewal.
func patience(term time.Duration) time.Duration { return term / 2 }

// Dead lists those of members whose processes ended before another could begin at
// the place where self runs.
func Dead(self Member, listed []Member) []Member {
	var dead []Member
	for _, m := range listed {
		if m.ID != self.ID && m.Place != "" && m.Place == self.Place {
			dead = append(dead, m)
		}
	}
	return dead
}

// HostOf is the name that a member was given, of its ID.
func HostOf(id string) string {
	if end := strings.LastIndexByte(id, '-'); end > 0 {
		return id[:end]
	}
	return id
}

// Owner is the one of ids that an Application falls to, "" of none: the one whose
// hash with the Application's name is the highest.
func Owner(ids []string, app types.NamespacedName) string {
	var owner string
	var highest uint64
	for _, id := range ids {
		if score := xxhash.Sum64String(id + "\x00" + app.Namespace + "/" + app.Name); owner == "" || score > highest {
			owner, highest = id, score
		}
	}
	return owner
}

func compareNames(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }
