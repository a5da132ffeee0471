package git

import "sync"

// generations is a cache that forgets what was not used lately. Entries enter
// the young generation; when that weighs more than limit, it becomes the old one
// and the old one goes. What is found in the old one is young again.
type generations[K comparable, V any] struct {
	limit int
	weigh func(V) int

	mu         sync.Mutex
	young, old map[K]V // guarded by mu
	weight     int     // of young
}

func newGenerations[K comparable, V any](limit int, weigh func(V) int) *generations[K, V] {
	return &generations[K, V]{limit: limit, weigh: weigh, young: map[K]V{}}
}

func (g *generations[K, V]) get(k K) (V, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	if ok {
		g.add(k, v)
	}
	return v, ok
}

// put returns the value that all callers of put with this key share.
func (g *generations[K, V]) put(k K, v V) V {
	g.mu.Lock()
	defer g.mu.Unlock()
	if there, ok := g.young[k]; ok {
		return there
	}
	g.add(k, v)
	return v
}

func (g *generations[K, V]) add(k K, v V) {
	if g.weight += g.weigh(v); g.weight > g.limit {
		g.old, g.young, g.weight = g.young, map[K]V{}, g.weigh(v)
	}
	g.young[k] = v
}
