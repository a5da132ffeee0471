package script

import (
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// Limits on a machine. The stacks are those of Lua, not of Go.
const (
	maxCalls     = 128
	minRegisters = 1 << 10
	maxRegisters = 1 << 16
)

// maxArray is from which index on a table's entries are kept by key. Without it
// one assignment of a large number, which may be a tenant's, takes a gigabyte.
const maxArray = 1 << 16

var limitArrays = sync.OnceFunc(func() { lua.MaxArrayIndex = maxArray })

// A library is a part of Lua's, and what of it a script may call. Nothing of it
// reaches out of the machine.
type library struct {
	name  string
	open  lua.LGFunction
	calls string
}

// Argo CD gives scripts the first three, and all of Lua's to those that ask for
// open libraries. Here they never get files, processes, modules, threads, or a way
// to compile more code.
var (
	usual = []library{
		{lua.BaseLibName, lua.OpenBase, "assert error getmetatable ipairs next pairs pcall rawequal rawget rawset select setmetatable tonumber tostring type unpack xpcall _G _VERSION"},
		{lua.TabLibName, lua.OpenTable, "concat getn insert maxn remove sort"},
		{lua.OsLibName, lua.OpenOs, "date time"},
	}
	opened = []library{
		{lua.StringLibName, lua.OpenString, "byte char find format gfind gmatch gsub len lower match rep reverse sub upper __index"},
		{lua.MathLibName, lua.OpenMath, "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min mod modf pi pow rad sin sinh sqrt tan tanh"},
	}
)

// newMachine returns a fresh machine: what a script leaves behind goes with it.
func newMachine(open bool) *lua.LState {
	limitArrays()
	m := lua.NewState(lua.Options{
		SkipOpenLibs: true, CallStackSize: maxCalls, MinimizeStackMemory: true,
		RegistrySize: minRegisters, RegistryMaxSize: maxRegisters, RegistryGrowStep: minRegisters,
	})
	for _, l := range usual {
		l.load(m)
	}
	if open {
		for _, l := range opened {
			l.load(m)
		}
		bound(m)
	}
	m.SetGlobal("print", m.NewFunction(func(*lua.LState) int { return 0 }))
	m.SetGlobal("require", m.NewFunction(require))
	return m
}

// load opens the library and takes out what is not on the list.
func (l library) load(m *lua.LState) {
	m.Push(m.NewFunction(l.open))
	m.Push(lua.LString(l.name))
	m.Call(1, 0)
	table := m.G.Global
	if l.name != lua.BaseLibName {
		table = m.GetGlobal(l.name).(*lua.LTable)
	}
	var others []lua.LValue
	table.ForEach(func(name, _ lua.LValue) {
		if !strings.Contains(" "+l.calls+" ", " "+lua.LVAsString(name)+" ") {
			others = append(others, name)
		}
	})
	for _, name := range others {
		table.RawSet(name, lua.LNil)
	}
}

// require returns a library that is there already.
func require(m *lua.LState) int {
	name := m.CheckString(1)
	table, ok := m.GetGlobal(name).(*lua.LTable)
	if !ok {
		m.RaiseError("module %.40q is not there for health checks", name)
	}
	m.Push(table)
	return 1
}
