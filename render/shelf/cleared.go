package shelf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
)

// A Keeper is what keeps: a Shelf, if it is no test.
type Keeper interface {
	Get(key string) (data []byte, ok bool)
	Put(key string, data []byte)
}

// Cleared are things in which nothing was found, so that the next process need not
// look again. All that is kept of one is a digest; of others nothing is. A nil Cleared
// knows of none, and keeps none. It is safe for concurrent use.
type Cleared struct {
	on     Keeper
	about  string
	before map[Digest]bool

	mu  sync.Mutex
	now map[Digest]bool // guarded by mu
	new bool            // one of them was not before; guarded by mu
}

// A Digest is that of a thing, and of what it is looked at by.
type Digest [sha256.Size]byte

// NewCleared reads what was cleared before about the same: about must name all that
// a finding depends on besides the things.
func NewCleared(on Keeper, about ...string) *Cleared {
	c := &Cleared{on: on, about: fmt.Sprintf("%q\n", about), before: map[Digest]bool{}, now: map[Digest]bool{}}
	kept, ok := on.Get(c.key())
	for ok && len(kept) >= len(Digest{}) {
		c.before[Digest(kept)] = true
		kept = kept[len(Digest{}):]
	}
	return c
}

func (c *Cleared) key() string {
	sum := sha256.Sum256([]byte(c.about))
	return hex.EncodeToString(sum[:])
}

// Digest returns that of a thing, which is its parts.
func (c *Cleared) Digest(parts ...[]byte) (id Digest) {
	if c == nil {
		return id
	}
	sum := sha256.New()
	fmt.Fprint(sum, c.about)
	for _, part := range parts {
		fmt.Fprintf(sum, "%d\n", len(part))
		sum.Write(part)
	}
	return Digest(sum.Sum(nil))
}

// Has says whether a thing was cleared before, and keeps it so.
func (c *Cleared) Has(id Digest) bool {
	if c == nil || !c.before[id] {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[id] = true
	return true
}

// Add clears a thing.
func (c *Cleared) Add(id Digest) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[id], c.new = true, true
}

// Keep is for the next process: what nobody asked about is dropped.
func (c *Cleared) Keep() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.new && len(c.now) == len(c.before) {
		return
	}
	data := make([]byte, 0, len(c.now)*len(Digest{}))
	for id := range c.now {
		data = append(data, id[:]...)
	}
	c.on.Put(c.key(), data)
}
