package cluster

import (
	"sync/atomic"
	"time"
)

// ProcessingBounds are those of the times that it takes to process what watches tell, as Argo CD
// has them.
var ProcessingBounds = [...]float64{0.25, 0.5, 1, 2, 4, 8, 16}

// A Processing is how long it took to process what watches told.
type Processing struct {
	// Within counts what took no longer than each of ProcessingBounds.
	Within [len(ProcessingBounds)]uint64
	// Count is of all, and Sum how long they took together, in seconds.
	Count uint64
	Sum   float64
	// Batch is how many objects the last one was about: one, or a whole listing.
	Batch int
}

// A meter measures it.
type meter struct {
	within [len(ProcessingBounds)]atomic.Uint64
	count  atomic.Uint64
	took   atomic.Int64 // nanoseconds
	batch  atomic.Int64
}

// since notes that something about a number of objects was processed.
func (m *meter) since(begun time.Time, objects int) {
	took := time.Since(begun)
	for i, bound := range ProcessingBounds {
		if took.Seconds() <= bound {
			m.within[i].Add(1)
		}
	}
	m.took.Add(int64(took))
	m.batch.Store(int64(objects))
	m.count.Add(1)
}

func (m *meter) read() (p Processing) {
	p.Count = m.count.Load() // first: what comes meanwhile is in the others, too
	for i := range m.within {
		p.Within[i] = min(m.within[i].Load(), p.Count)
	}
	p.Sum, p.Batch = time.Duration(m.took.Load()).Seconds(), int(m.batch.Load())
	return p
}
