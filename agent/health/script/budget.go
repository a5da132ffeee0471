package script

import (
	"context"
	"errors"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// What a run may cost. The scripts that come with Argo CD take some hundred steps
// on an object.
const (
	maxSteps  = 250_000
	maxText   = 16 << 20 // bytes of all long strings that come up
	longText  = 1 << 10  // bytes from which a string is long
	timeCheck = 1 << 8   // steps between looks at the clock
)

// Why a run was ended.
var (
	errSteps = errors.New("it takes too many steps on this object: it may hold a loop without an end")
	errTime  = errors.New("it takes more than a second on this object")
	errText  = errors.New("it makes too much text of this object")
)

// A budget ends a run that costs too much. The machine asks its context before
// each step whether it is done: that is where steps are counted, so that a script
// ends at the same one on any computer.
type budget struct {
	context.Context
	machine *lua.LState
	steps   int
	text    int
	known   map[*byte]bool // long strings that were counted
	err     error          // once it is over
}

// over is what Done returns then.
var over = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (b *budget) Done() <-chan struct{} {
	b.steps++
	switch {
	case b.err != nil:
	case b.steps > maxSteps:
		b.err = errSteps
	case b.steps%timeCheck == 0 && b.Context.Err() != nil:
		b.err = errTime
	case b.weigh() > maxText:
		b.err = errText
	}
	if b.err != nil {
		return over
	}
	return nil
}

func (b *budget) Err() error { return b.err }

// weigh adds the long strings that the last step may have made: each passes
// through a register of the function that runs.
func (b *budget) weigh() int {
	for i := 1; i <= b.machine.GetTop(); i++ {
		s, ok := b.machine.Get(i).(lua.LString)
		if !ok || len(s) < longText {
			continue
		}
		if p := unsafe.StringData(string(s)); !b.known[p] { //nolint:gosec // which text it is, not what it holds
			if b.known == nil {
				b.known = map[*byte]bool{}
			}
			b.known[p] = true
			b.text += len(s)
		}
	}
	return b.text
}
