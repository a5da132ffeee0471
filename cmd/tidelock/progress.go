package main

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A progress tells of an operation while it runs: a line for each object, once
// something has become of it, and, on a terminal, what is awaited now.
type progress struct {
	*screen
	prefix string // the Application's name, if there are several
	told   map[string]string
	last   string
}

func newProgress(s *screen, prefix string) *progress {
	return &progress{screen: s, prefix: prefix, told: map[string]string{}}
}

// operation tells what is new in an operation.
func (p *progress) operation(op *api.OperationState) {
	if op == nil {
		return
	}
	if op.SyncResult != nil {
		for _, r := range op.SyncResult.Resources {
			p.object(r)
		}
	}
	if op.Message == "" || op.Phase.Completed() {
		return
	}
	if p.live {
		p.state("%s%s", p.prefix, oneLine(op.Message))
	} else if op.Message != p.last {
		p.line("%s%s", p.prefix, oneLine(op.Message))
	}
	p.last = op.Message
}

// object tells what has become of an object, if that is new.
func (p *progress) object(r api.ResourceResult) {
	key := manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}.String()
	id, state := key+string(r.HookType), string(r.Status)+" "+string(r.HookPhase)
	if p.told[id] == state {
		return
	}
	p.told[id] = state
	word := r.Status
	what := string(r.SyncPhase)
	if r.HookType != "" {
		what += " hook"
		word = api.ResultCode(r.HookPhase)
	}
	p.line("%s%-9s  %-12s  %s  %s", p.prefix, what, p.tint(string(word)), key, oneLine(r.Message))
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
