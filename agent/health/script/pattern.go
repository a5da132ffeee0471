package script

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Limits on single calls, which the budget cannot end while they run.
const (
	maxRepeated = 1 << 20 // bytes that string.rep makes
	maxSearched = 1 << 16 // bytes that a pattern is searched in
	maxSearch   = 1e7     // steps of a search at the most, by its pattern
)

// bound limits those of the string library's calls that may take for ever, or
// all memory.
func bound(m *lua.LState) {
	library := m.GetGlobal(lua.StringLibName).(*lua.LTable)
	for _, name := range []string{"find", "match", "gmatch", "gfind", "gsub"} {
		before(m, library, name, func(m *lua.LState) {
			text, pattern := m.CheckString(1), m.CheckString(2)
			if len(text) > maxSearched || searchCost(text, pattern) > maxSearch {
				m.RaiseError("string.%s: the text is too long for this pattern: %d bytes", name, len(text))
			}
		})
	}
	before(m, library, "rep", func(m *lua.LState) {
		if n := m.CheckInt(2); n > 0 && len(m.CheckString(1)) > maxRepeated/n {
			m.RaiseError("string.rep: the text gets longer than %d bytes", maxRepeated)
		}
	})
}

// before has a check run before a call of a library.
func before(m *lua.LState, library *lua.LTable, name string, check func(*lua.LState)) {
	call := library.RawGetString(name).(*lua.LFunction)
	library.RawSetString(name, m.NewFunction(func(m *lua.LState) int {
		check(m)
		n := m.GetTop()
		m.Insert(call, 1)
		m.Call(n, lua.MultRet)
		return m.GetTop()
	}))
}

// searchCost is how many steps a search may take: each quantifier may stop
// anywhere, and the search may begin anywhere.
func searchCost(text, pattern string) float64 {
	degree := quantifiers(pattern)
	if !strings.HasPrefix(pattern, "^") {
		degree++
	}
	return math.Pow(float64(len(text)+1), float64(degree))
}

// quantifiers counts those of a pattern: not what is escaped, or of a set.
func quantifiers(pattern string) (n int) {
	set := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '%':
			i++
		case set:
			set = c != ']'
		case c == '[':
			set = true
		case c == '*' || c == '+' || c == '-':
			n++
		}
	}
	return n
}
