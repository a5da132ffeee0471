package main

import (
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A progress tells of an operation while it runs: a line for each object, once
// something has become of it, and, on a terminal, what is awaited now.
type progress struct {
	*screen
	prefix string // the Application's name, if there are several
	waves  map[objectName]int64
	told   map[string]string
	last   string
}

func newProgress(s *screen, prefix string) *progress {
	return &progress{screen: s, prefix: prefix, told: map[string]string{}}
}

// operation tells what is new in an Application's operation.
func (p *progress) operation(app *api.Application) {
	op := app.Status.OperationState
	if op == nil {
		return
	}
	p.waves = wavesOf(app)
	if op.SyncResult != nil {
		for _, r := range op.SyncResult.Resources {
			p.object(r)
		}
	}
	if op.Message == "" || op.Phase.Completed() {
		return
	}
	p.awaits(op.Message)
}

// awaits says what is awaited now: on a terminal in place, else whenever it is
// something else.
func (p *progress) awaits(text string) {
	if p.live {
		p.state("%s%s", p.prefix, oneLine(text))
	} else if text != p.last {
		p.line("%s%s", p.prefix, oneLine(text))
	}
	p.last = text
}

// object tells what has become of an object, if that is new.
func (p *progress) object(r api.ResourceResult) {
	key := keyOf(r)
	id, state := key.String()+string(r.HookType), string(r.Status)+" "+string(r.HookPhase)
	if p.told[id] == state {
		return
	}
	p.told[id] = state
	word, what := r.Status, string(r.SyncPhase)
	if r.HookType != "" {
		what += " hook"
		word = api.ResultCode(r.HookPhase)
	} else if wave, known := p.waves[nameOf(key)]; known {
		what += fmt.Sprintf(" %d", wave)
	}
	text := fmt.Sprintf("%s%-12s  %s%s  %s", p.prefix, what, p.tint(string(word)), strings.Repeat(" ", max(0, 12-len(word))), key)
	if r.Message != "" {
		text += "  " + oneLine(r.Message)
	}
	p.line("%s", text)
}

// ended prints the last line of an operation.
func (p *progress) ended(op *api.OperationState) {
	p.line("%s%s: %s", p.prefix, p.tint(string(op.Phase)), oneLine(op.Message))
}

// err is nil if the operation went well.
func failure(name string, op *api.OperationState) error {
	if op.Phase == api.OperationSucceeded {
		return nil
	}
	return fmt.Errorf("the sync of %s has not succeeded: %s (hint: tidelock why %s)", name, op.Message, name)
}
