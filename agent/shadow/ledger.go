package shadow

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
)

// A Ledger keeps what was found of all Applications and ApplicationSets. It is safe for
// concurrent use.
type Ledger struct {
	// Patience is as Standing has it.
	Patience func() time.Duration
	// Changed, if not nil, is told of an Application of which something else is found
	// than before. It must not block.
	Changed func(Application)
	// SetChanged, likewise, is told of an ApplicationSet.
	SetChanged func(Set)

	mu   sync.Mutex // guards all below
	apps map[types.NamespacedName]entry
	sets map[types.NamespacedName]Set
}

// An entry is an Application, and since when each of its differences is there.
type entry struct {
	Application
	since map[string]time.Time
}

// NewLedger returns an empty one.
func NewLedger(patience func() time.Duration) *Ledger {
	return &Ledger{Patience: patience, apps: map[types.NamespacedName]entry{}, sets: map[types.NamespacedName]Set{}}
}

// Found compares an Application with what was found of it, and keeps the result.
func (l *Ledger) Found(app *api.Application, found Found) {
	name := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	l.mu.Lock()
	before := l.apps[name]
	next := entry{since: map[string]time.Time{}}
	next.Application = Compare(app, found, Standing{Patience: l.Patience(), Since: func(id string) time.Time {
		since, known := before.since[id]
		if !known {
			since = found.At
		}
		next.since[id] = since
		return since
	}})
	l.apps[name] = next
	l.mu.Unlock()
	if l.Changed != nil && !alike(before.Application, next.Application) {
		l.Changed(next.Application)
	}
}

// alike says that nothing else was found than before, but for times.
func alike(a, b Application) bool {
	same := func(x, y []Difference) bool {
		return slices.EqualFunc(x, y, func(d, e Difference) bool { return d.id() == e.id() })
	}
	return a.Outcome == b.Outcome && a.Why == b.Why && same(a.Differences, b.Differences) && same(a.ByDesign, b.ByDesign) && same(a.Pending, b.Pending)
}

// Gone forgets an Application.
func (l *Ledger) Gone(namespace, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.apps, types.NamespacedName{Namespace: namespace, Name: name})
}

// FoundSet keeps what was found of an ApplicationSet.
func (l *Ledger) FoundSet(set Set) {
	name := types.NamespacedName{Namespace: set.Namespace, Name: set.Name}
	l.mu.Lock()
	before, known := l.sets[name]
	l.sets[name] = set
	l.mu.Unlock()
	same := known && before.Outcome == set.Outcome && before.Error == set.Error && slices.Equal(before.Create, set.Create) &&
		slices.Equal(before.Update, set.Update) && slices.Equal(before.Delete, set.Delete)
	if l.SetChanged != nil && !same {
		l.SetChanged(set)
	}
}

// GoneSet forgets an ApplicationSet.
func (l *Ledger) GoneSet(namespace, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sets, types.NamespacedName{Namespace: namespace, Name: name})
}

// Report is all that is known, in the order of names.
func (l *Ledger) Report(at time.Time) Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Report{At: at, Applications: make([]Application, 0, len(l.apps))}
	for _, a := range l.apps {
		r.Applications = append(r.Applications, a.Application)
	}
	for _, s := range l.sets {
		r.Sets = append(r.Sets, s)
	}
	r.sort()
	return r
}

// sort puts a report in order, and counts.
func (r *Report) sort() {
	slices.SortFunc(r.Applications, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Sets, func(a, b Set) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	r.Summary = Summary{}
	for _, a := range r.Applications {
		r.Summary.count(a.Outcome)
	}
	for _, s := range r.Sets {
		r.Summary.count(s.Outcome)
	}
}

// NewReport is a report of what was compared once.
func NewReport(at time.Time, apps []Application, sets []Set, refused int64) Report {
	r := Report{At: at, Applications: apps, Sets: sets, Refused: refused}
	r.sort()
	return r
}
