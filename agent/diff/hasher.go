package diff

import (
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
	"strconv"
)

// flushAt is how much is gathered before it is hashed.
const flushAt = 4 << 10

// A hasher turns values into bytes that differ if the values do, and hashes
// them: every text has its length before it, maps are in the order of their
// keys, a number has one form.
type hasher struct {
	sum     hash.Hash // nil if only pending is wanted
	pending []byte
	names   []string // a stack: the sorted names of all maps that are being walked
}

// finish returns the hash.
func (h *hasher) finish() []byte {
	h.sum.Write(h.pending)
	return h.sum.Sum(nil)
}

func (h *hasher) mark(kind byte) { h.pending = append(h.pending, kind) }

func (h *hasher) text(kind byte, text string) {
	if len(h.pending) > flushAt && h.sum != nil {
		h.sum.Write(h.pending)
		h.pending = h.pending[:0]
	}
	h.pending = binary.AppendUvarint(append(h.pending, kind), uint64(len(text)))
	h.pending = append(h.pending, text...)
}

// sorted puts the names of m on the stack, in order. They are names[from:to]
// until release(from); what is put there meanwhile comes after them.
func (h *hasher) sorted(m map[string]any) (from, to int) {
	from = len(h.names)
	for name := range m {
		h.names = append(h.names, name)
	}
	to = len(h.names)
	slices.Sort(h.names[from:to])
	return from, to
}

func (h *hasher) release(from int) { h.names = h.names[:from] }

// value hashes a deep value.
func (h *hasher) value(value any) {
	switch v := value.(type) {
	case nil:
		h.mark('0')
	case bool:
		h.text('b', strconv.FormatBool(v))
	case string:
		h.text('s', v)
	case int64:
		h.text('n', strconv.FormatInt(v, 10))
	case float64:
		h.text('n', number(v))
	case []any:
		h.mark('[')
		for _, item := range v {
			h.value(item)
		}
		h.mark(']')
	case map[string]any:
		h.object(v, nil)
	default:
		h.text('?', fmt.Sprintf("%T %v", v, v)) // JSON decodes to none of these
	}
}

// object hashes a map, but for the members that foreign owns.
func (h *hasher) object(object map[string]any, foreign []map[string]any) {
	h.mark('{')
	from, to := h.sorted(object)
	for i := from; i < to; i++ {
		name := h.names[i]
		if len(foreign) > 0 && owned(foreign, "f:"+name) {
			continue
		}
		h.text('k', name)
		h.value(object[name])
	}
	h.release(from)
	h.mark('}')
}

func owned(by []map[string]any, name string) bool {
	return slices.ContainsFunc(by, func(fields map[string]any) bool { return fields[name] != nil })
}

// number prints 1 and 1.0 alike.
func number(f float64) string {
	if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
