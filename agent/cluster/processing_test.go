package cluster

import (
	"testing"
	"time"
)

// TestProcessing: what took long is in none of the buckets of what did not.
func TestProcessing(t *testing.T) {
	var m meter
	m.since(time.Now(), 1)
	m.since(time.Now().Add(-3*time.Second), 20)
	m.since(time.Now().Add(-time.Hour), 5)
	p := m.read()
	if want := [...]uint64{1, 1, 1, 1, 2, 2, 2}; p.Within != want || p.Count != 3 || p.Batch != 5 || p.Sum < 3603 {
		t.Errorf("got %+v, want %v", p, want)
	}
}
