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
	// Version is another after each renewal.
	Version string
}

// A Roster is what one member knows of all.
type Roster struct {
	self   string
	others map[string]*sighting
	ids    []string // of all, itself included, sorted
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
	r.index()
	return r
}

// See takes it that a Lease is as m says.
func (r *Roster) See(m Member, now time.Time) {
	if m.ID == r.self {
		return
	}
	s, known := r.others[m.ID]
	if !known {
		r.others[m.ID] = &sighting{Member: m, renewed: now}
		r.index()
		return
	}
	if m.Version != s.Version {
		s.renewed = now
	}
	s.Member, s.elder = m, s.elder && !slices.Contains(m.Room, r.self)
}

// Gone takes it that a Lease was deleted.
func (r *Roster) Gone(id string) {
	if _, known := r.others[id]; known {
		delete(r.others, id)
		r.index()
	}
}

func (r *Roster) index() {
	r.ids = []string{r.self}
	for id := range r.others {
		r.ids = append(r.ids, id)
	}
	slices.Sort(r.ids)
}

// Joined says that whoever was there before has made room.
func (r *Roster) Joined() bool {
	for _, s := range r.others {
		if s.elder {
			return false
		}
	}
	return true
}

// Owner is the member that an Application falls to.
func (r *Roster) Owner(app types.NamespacedName) string { return Owner(r.ids, app) }

// Others lists the other members, by ID.
func (r *Roster) Others() []Member {
	var others []Member
	for _, id := range r.ids {
		if s, ok := r.others[id]; ok {
			others = append(others, s.Member)
		}
	}
	return others
}

// Overdue lists who has not been seen to renew for a term.
func (r *Roster) Overdue(now time.Time, term time.Duration) []Member {
	var overdue []Member
	for _, id := range r.ids {
		if s, ok := r.others[id]; ok && now.Sub(s.renewed) >= term {
			overdue = append(overdue, s.Member)
		}
	}
	return overdue
}

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
