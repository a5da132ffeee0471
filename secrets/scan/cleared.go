package scan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
)

// A Shelf keeps bytes from one process to the next. What it gives may be nothing, or
// rubbish; render/shelf is one.
type Shelf interface {
	Get(key string) (data []byte, ok bool)
	Put(key string, data []byte)
}

// Remembering returns a Scanner whose Tree does not look again into texts in which an
// earlier one of the same program found nothing, at that place, by the same rules. All
// that is kept of a text is a digest, and of one with a finding, or of which a finding
// depends on other files, not even that.
func (s *Scanner) Remembering(on Shelf, program, place string) *Scanner {
	if s.rules.id == "" {
		return s
	}
	with := *s
	with.shelf, with.about = on, fmt.Sprintf("scan\n%s\n%s\n%s\n", program, s.rules.id, place)
	return &with
}

// A cleared text is one in which nothing is found, by the digest of all that this
// depends on.
type cleared [sha256.Size]byte

// clearances are the texts below one root that are cleared. A nil one knows of none.
type clearances struct {
	shelf  Shelf
	about  string
	before map[cleared]bool

	mu  sync.Mutex
	now map[cleared]bool // guarded by mu
	new bool             // one of them was not before; guarded by mu
}

func (s *Scanner) clearances(root string) *clearances {
	if s.shelf == nil {
		return nil
	}
	c := &clearances{shelf: s.shelf, about: s.about + root + "\n", before: map[cleared]bool{}, now: map[cleared]bool{}}
	kept, ok := c.shelf.Get(c.key())
	for ok && len(kept) >= sha256.Size {
		c.before[cleared(kept)] = true
		kept = kept[sha256.Size:]
	}
	return c
}

func (c *clearances) key() string {
	sum := sha256.Sum256([]byte(c.about))
	return hex.EncodeToString(sum[:])
}

func (c *clearances) of(t text) (id cleared) {
	if c == nil {
		return id
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s%d %s\n", c.about, len(t.path), t.path)
	sum.Write(t.data)
	return cleared(sum.Sum(nil))
}

// has says whether a text was cleared before, and is so still.
func (c *clearances) has(id cleared) bool {
	if c == nil || !c.before[id] {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[id] = true
	return true
}

// add clears a text.
func (c *clearances) add(id cleared) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[id], c.new = true, true
}

// keep is for the next scan: what this one did not see is dropped.
func (c *clearances) keep() {
	if c == nil || !c.new && len(c.now) == len(c.before) {
		return
	}
	data := make([]byte, 0, len(c.now)*sha256.Size)
	for id := range c.now {
		data = append(data, id[:]...)
	}
	c.shelf.Put(c.key(), data)
}
