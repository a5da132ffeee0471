package leak

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// window is how many bytes of a needle it is found by. No form of a value is
// shorter.
const window = MinLength

// spread makes the slots of this process unlike those of any other.
var spread = rand.Uint64() | 1

// slotOf is where the filter has the window at the start of text. Only the upper
// bits count.
func slotOf(text []byte) uint64 { return binary.LittleEndian.Uint64(text) * spread }

// A table finds needles in texts.
type table struct {
	shift  int // of slots to bits of the filter
	filter []uint64
	heads  map[uint64][]entry
}

// An entry is a needle and whose it is.
type entry struct {
	needle
	secret int    // index in a Gate
	owner  string // in a Known
}

// Sizes of filters, in bits: enough for most texts to be passed over after one
// look, and no larger than the processor keeps at hand.
const (
	minFilter = 10
	maxFilter = 20
)

// filterFor is the size of the filter for about so many needles.
func filterFor(needles int) int { return min(max(bits.Len(uint(needles)*64), minFilter), maxFilter) }

func newTable(filter int) *table {
	return &table{shift: 64 - filter, filter: make([]uint64, 1<<(filter-6)), heads: map[uint64][]entry{}}
}

func (t *table) add(e entry) {
	bit := e.slot >> t.shift
	t.filter[bit>>6] |= 1 << (bit & 63)
	t.heads[e.head] = append(t.heads[e.head], e)
}

// remove leaves the filter as it is.
func (t *table) remove(of needle, owner string) {
	var left []entry
	for _, e := range t.heads[of.head] {
		if e.owner != owner {
			left = append(left, e)
		}
	}
	if left == nil {
		delete(t.heads, of.head)
		return
	}
	t.heads[of.head] = left
}

// A search is one pass over one text.
type search struct {
	text   []byte
	budget int // bytes that may still be compared in vain
}

// slack is how many times its own length a text may be compared in vain. What
// takes more was made to: one byte repeated, and a value that is almost so.
const slack = 64

// find calls hit with every needle in text, and where it begins, until hit returns
// how far to go on: at least 1. A text made to take for ever is taken for a hit.
func (t *table) find(text []byte, hit func(at int, e entry) (next int)) {
	if len(t.heads) == 0 {
		return
	}
	s := search{text, slack*len(text) + 1<<20}
	filter, shift := t.filter, t.shift
	for at := 0; at+window <= len(text); {
		bit := binary.LittleEndian.Uint64(text[at:]) * spread >> shift
		if filter[bit>>6]&(1<<(bit&63)) == 0 {
			at++
			continue
		}
		at += t.at(&s, at, hit)
	}
}

// at compares all needles whose first bytes stand at one place.
func (t *table) at(s *search, at int, hit func(at int, e entry) (next int)) (next int) {
	next = 1
	for _, e := range t.heads[maphash.Bytes(seed, s.text[at:at+window])] {
		if s.holds(at, e.needle) {
			next = max(next, hit(at, e))
		}
	}
	return next
}

func (s *search) holds(at int, n needle) bool {
	if n.length > len(s.text)-at {
		return false
	}
	if s.budget < 0 || maphash.Bytes(seed, s.text[at:at+n.length]) == n.sum {
		return true
	}
	s.budget -= n.length
	return false
}
