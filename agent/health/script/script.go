// Package script runs the health checks that administrators write in Lua
// (SEMANTICS.md 2.6): a script gets a live object as obj, and returns a table of
// status and message.
//
// Start with [Compile], and [Set.Judge], which is a health.Custom. A script has
// neither files nor processes nor a network, ends within a second, and never sees
// what a Secret holds.
package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/health"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ErrScript says that a script cannot be read.
var ErrScript = errors.New("cannot read the Lua script")

// maxScript bounds a script, in bytes, and with it how deep its expressions are
// nested, which the compiler follows on Go's stack.
const maxScript = 1 << 16

// maxTime is how long a run may take, as in Argo CD.
const maxTime = time.Second

// A Script is compiled, and safe for concurrent use.
type Script struct {
	name string // where it stands
	code *lua.FunctionProto
	open bool // has the whole library
}

// Compile reads a script, once for all runs. Name says where it stands. Open gives
// it Lua's string and math library, too. Any error is ErrScript, and names the
// line.
func Compile(name, text string, open bool) (s *Script, err error) {
	if len(text) > maxScript {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrScript, maxScript)
	}
	defer func() { // the parser is a stranger's
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("%w: %v", ErrScript, r)
		}
	}()
	chunk, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrScript, oneLine(strings.TrimPrefix(err.Error(), name+" ")))
	}
	code, err := lua.Compile(chunk, name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrScript, oneLine(err.Error()))
	}
	return &Script{name: name, code: code, open: open}, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Judge runs the script on an object. Whatever goes wrong is Unknown, and the
// message names the script.
func (s *Script) Judge(object map[string]any) health.Health {
	verdict, err := s.run(object)
	if err != nil {
		return health.Health{Code: api.HealthUnknown, Message: fmt.Sprintf("%s: %s", s.name, oneLine(err.Error()))}
	}
	return verdict
}

func (s *Script) run(object map[string]any) (health.Health, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	m := newMachine(s.open)
	defer m.Close()
	limits := &budget{Context: ctx, machine: m}
	m.SetContext(limits)
	m.SetGlobal("obj", value(m, visible(object)))
	m.Push(m.NewFunctionFromProto(s.code))
	if err := m.PCall(0, 1, nil); err != nil {
		if limits.err != nil {
			return health.Health{}, limits.err
		}
		var failed *lua.ApiError
		if errors.As(err, &failed) && failed.Object != lua.LNil { // without the stack
			return health.Health{}, errors.New(strings.TrimPrefix(lua.LVAsString(failed.Object), s.name+":"))
		}
		return health.Health{}, err
	}
	return verdict(m.Get(-1))
}

// codes are what a script may answer.
var codes = []api.HealthCode{
	api.HealthHealthy, api.HealthSuspended, api.HealthProgressing, api.HealthMissing, api.HealthDegraded, api.HealthUnknown,
}

// verdict reads what a script has returned. Nothing, and an empty table, is no
// health at all.
func verdict(answer lua.LValue) (health.Health, error) {
	if answer == lua.LNil {
		return health.Health{}, nil
	}
	table, ok := answer.(*lua.LTable)
	if !ok {
		return health.Health{}, fmt.Errorf("it returned a %s, and not a table of status and message", answer.Type())
	}
	if first, _ := table.Next(lua.LNil); first == lua.LNil {
		return health.Health{}, nil
	}
	status, message := lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))
	if !slices.Contains(codes, api.HealthCode(status)) {
		return health.Health{}, fmt.Errorf("it returned the status %.40q, which is none of Healthy, Progressing, Degraded, Suspended, Missing and Unknown", status)
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return health.Health{Code: api.HealthCode(status), Message: message}, nil
}

// maxMessage bounds what is kept of each object's message, in bytes.
const maxMessage = 1024

// visible is the object without what a script must not see.
func visible(object map[string]any) map[string]any {
	u := &unstructured.Unstructured{Object: object}
	shown := make(map[string]any, len(object))
	for name, field := range object {
		shown[name] = field
	}
	meta, _ := object["metadata"].(map[string]any)
	shown["metadata"] = without(meta, "managedFields")
	if gvk := u.GroupVersionKind(); gvk.Group != "" || gvk.Kind != "Secret" {
		return shown
	}
	delete(shown, "data")
	delete(shown, "stringData")
	annotations, _ := meta["annotations"].(map[string]any)
	if annotations != nil { // kubectl writes the data there, too
		shown["metadata"] = without(without(meta, "managedFields"), "annotations")
		shown["metadata"].(map[string]any)["annotations"] = without(annotations, "kubectl.kubernetes.io/last-applied-configuration")
	}
	return shown
}

func without(m map[string]any, name string) map[string]any {
	rest := make(map[string]any, len(m))
	for key, field := range m {
		if key != name {
			rest[key] = field
		}
	}
	return rest
}

// value makes a Lua value of a JSON value.
func value(m *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case bool:
		return lua.LBool(of)
	case string:
		return lua.LString(of)
	case int64:
		return lua.LNumber(of)
	case float64:
		return lua.LNumber(of)
	case []any:
		table := m.CreateTable(len(of), 0)
		for _, item := range of {
			table.Append(value(m, item))
		}
		return table
	case map[string]any:
		table := m.CreateTable(0, len(of))
		for name, field := range of {
			table.RawSetString(name, value(m, field))
		}
		return table
	}
	return lua.LNil
}
