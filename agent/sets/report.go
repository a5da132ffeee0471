package sets

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/event"
	"k8s.io/apimachinery/pkg/api/equality"
)

// report says in the set's status, and by Events, what came of the pass.
func (p *pass) report(ctx context.Context) error {
	p.tell()
	p.status.Conditions = p.outcome.Conditions(withoutRival(p.set.Status.Conditions), p.now)
	p.status.Health = appset.HealthOf(p.status.Conditions)
	p.status.Resources, p.status.ResourcesCount = appset.ResourcesOf(p.owned())
	return p.store(ctx)
}

// store writes the status, if it is another than the one that is stored.
func (p *pass) store(ctx context.Context) error {
	if equality.Semantic.DeepEqual(p.set.Status, p.status) {
		return nil
	}
	before, err := json.Marshal(p.set.Status)
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	after, err := json.Marshal(p.status)
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	changes, err := jsonpatch.CreateMergePatch(before, after)
	if err != nil {
		return fmt.Errorf("compare status: %w", err)
	}
	if string(changes) == "{}" {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"status": json.RawMessage(changes), "metadata": map[string]any{"resourceVersion": p.set.ResourceVersion},
	})
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	return p.patch(ctx, "write the status of", patch, "status")
}

// patch changes the set, and goes on with what it is now.
func (p *pass) patch(ctx context.Context, doing string, patch []byte, subresource ...string) error {
	set, err := p.c.store.patch(ctx, p.name, patch, subresource...)
	if err != nil {
		return fmt.Errorf("%s ApplicationSet %s: %w", doing, p.set.Name, err)
	}
	p.set = p.c.ruled(set)
	return nil
}

// served removes the annotation that asked for a refresh.
func (p *pass) served(ctx context.Context) error {
	if !p.renew {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{api.AnnotationApplicationSetRefresh: nil},
	}})
	if err != nil {
		return err
	}
	return p.patch(ctx, "remove the refresh annotation of", patch)
}

// tell writes Events: of what was done with Applications, and, once, of what is wrong.
func (p *pass) tell() {
	done := []struct {
		reason, verb string
		names        []string
	}{
		{"Created", "created", p.did.created}, {"Updated", "updated", p.did.updated}, {"Deleted", "deleted", p.did.deleted},
	}
	for _, d := range done {
		if len(d.names) > 0 {
			text := d.verb + " " + counted(d.names)
			p.log.Info("Applications", "verb", d.verb, "count", len(d.names), "names", d.names[:min(len(d.names), mostNamed)])
			p.c.Tell(p.set, event.Event{Reason: d.reason, Message: text})
		}
	}
	p.once()
}

// once tells what is wrong, unless that was said last.
func (p *pass) once() {
	e := event.Event{Warning: true, Reason: p.outcome.Reason}
	switch {
	case p.outcome.Err == nil:
		e = event.Event{}
	case p.outcome.Held != "":
		e.Reason, e.Message = api.ReasonDeletionHeld, p.outcome.Held
	default:
		e.Message = p.outcome.Err.Error()
	}
	p.tellOnce(e)
}

// tellOnce tells something that is wrong, by an Event and in the log, unless that was said
// last.
func (p *pass) tellOnce(e event.Event) {
	p.c.mu.Lock()
	news := p.c.told[p.name] != e.Reason+e.Message
	p.c.told[p.name] = e.Reason + e.Message
	p.c.mu.Unlock()
	if news && e.Message != "" {
		p.log.Warn("the ApplicationSet is not as it is to be", "reason", e.Reason, "message", e.Message)
		p.c.Tell(p.set, e)
	}
}

// mostNamed is how many Applications an Event names.
const mostNamed = 10

// counted names some Applications, and says how many there are.
func counted(names []string) string {
	slices.Sort(names)
	switch n := len(names); {
	case n == 1:
		return "Application " + names[0]
	case n <= mostNamed:
		return fmt.Sprintf("%d Applications: %s", n, strings.Join(names, ", "))
	default:
		return fmt.Sprintf("%d Applications: %s, …", n, strings.Join(names[:mostNamed], ", "))
	}
}
