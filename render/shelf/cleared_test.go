package shelf

import (
	"bytes"
	"testing"
)

// What is cleared is known to the next one about the same, as long as somebody asks
// about it, and to no other.
func TestCleared(t *testing.T) {
	on := opened(t, t.TempDir(), 1<<20)
	first := NewCleared(on, "objects", "1.37")
	a, b := first.Digest([]byte("a"), []byte("bc")), first.Digest([]byte("b"))
	if first.Has(a) {
		t.Error("a thing is cleared that nobody looked at")
	}
	first.Add(a)
	first.Add(b)
	first.Keep()
	second := NewCleared(on, "objects", "1.37")
	if !second.Has(a) || second.Has(second.Digest([]byte("ab"), []byte("c"))) {
		t.Error("the next one does not know what was cleared, or takes another for it")
	}
	second.Keep()
	if third := NewCleared(on, "objects", "1.37"); !third.Has(a) || third.Has(b) {
		t.Error("what nobody asked about is kept, or what somebody did is not")
	}
	for _, about := range [][]string{{"objects", "1.36"}, {"objects"}, {"objects", "1.37", ""}, {"objects\n1.37"}, {"objects\" \"1.37"}} {
		other := NewCleared(on, about...)
		if other.Has(a) || other.Digest([]byte("b")) == b {
			t.Errorf("%q: it takes over what others cleared", about)
		}
	}
	var none *Cleared
	if none.Add(a); none.Has(a) {
		t.Error("nobody has cleared it")
	}
	none.Keep()
}

// An entry of which a part is missing, or that somebody made longer, clears nothing
// that was not.
func TestClearedRubbish(t *testing.T) {
	on := opened(t, t.TempDir(), 1<<20)
	c := NewCleared(on, "a")
	id := c.Digest([]byte("a"))
	for _, data := range [][]byte{nil, id[:31], bytes.Repeat([]byte("x"), 1000), append([]byte("x"), id[:]...)} {
		on.Put(c.key(), data)
		if NewCleared(on, "a").Has(id) {
			t.Errorf("%d bytes of rubbish clear it", len(data))
		}
	}
}
