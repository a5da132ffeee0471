package notify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
)

// A Message is what is to be told to one recipient.
type Message struct {
	Trigger   string
	To        services.Destination
	Templates []string
	Vars      map[string]any
}

// An Evaluation is what became of an Application's triggers.
type Evaluation struct {
	// Messages are to be sent once State stands in the Application.
	Messages []Message
	State    State
	// Changed says that State is another than before.
	Changed bool
	// Ran says of each trigger, and of each of its conditions, whether it held.
	Ran map[string][]bool
	// Mistakes are what keeps a recipient from being told, and Lacks what there is not
	// here, and may be in another configuration.
	Mistakes, Lacks []string
}

// Evaluate runs the triggers that somebody has subscribed to, over an Application's
// moments in their order. A condition that holds is told once to each recipient, until it
// has not held; or for ever, if it is told once per something. What a recipient cannot be
// told, for there is no such service or template, is a mistake, and is told when there is.
func (c *Config) Evaluate(state State, to map[string][]services.Destination, moments []map[string]any, now time.Time) Evaluation {
	e := Evaluation{State: maps.Clone(state), Ran: map[string][]bool{}}
	if e.State == nil {
		e.State = State{}
	}
	holding := map[string]bool{}
	for _, vars := range moments {
		for _, trigger := range slices.Sorted(maps.Keys(to)) {
			c.evaluate(&e, trigger, to[trigger], vars, holding, now)
		}
	}
	e.State.trim(holding)
	slices.Sort(e.Lacks)
	e.Lacks = slices.Compact(e.Lacks)
	e.Changed = !maps.Equal(e.State, state)
	slices.Sort(e.Mistakes)
	e.Mistakes = slices.Compact(e.Mistakes)
	return e
}

func (c *Config) evaluate(e *Evaluation, name string, to []services.Destination, vars map[string]any, holding map[string]bool, now time.Time) {
	t := c.triggers[name]
	if t == nil {
		e.Lacks = append(e.Lacks, fmt.Sprintf("there is no trigger %.100q: write entry trigger.%.100s into ConfigMap argocd-notifications-cm", name, name))
		return
	}
	results, why := t.Run(vars)
	for i, r := range results {
		e.Ran[name] = append(e.Ran[name], r.Triggered)
		if why[i] != nil && r.Triggered {
			e.Mistakes = append(e.Mistakes, fmt.Sprintf("trigger %s: [%d]: %s", name, i, c.Clean(why[i].Error())))
		}
		for _, recipient := range to {
			key := keyOf(c.own, name, r, recipient)
			if r.Triggered {
				holding[key] = true
			}
			if lack := c.lack(r, recipient); r.Triggered && lack != "" {
				e.Lacks = append(e.Lacks, fmt.Sprintf("trigger %s: %s", name, lack))
				continue
			}
			if e.State.told(key, r.Triggered, now) && r.Triggered {
				e.Messages = append(e.Messages, Message{Trigger: name, To: recipient, Templates: r.Templates, Vars: vars})
			}
		}
	}
}

// lack says what keeps a recipient from being told.
func (c *Config) lack(r Result, to services.Destination) string {
	if c.services[to.Service] == nil {
		return fmt.Sprintf("there is no service %.100q: write entry service.%.100s into ConfigMap argocd-notifications-cm", to.Service, to.Service)
	}
	for _, name := range r.Templates {
		if _, ok := c.formats[name]; !ok {
			return fmt.Sprintf("there is no template %.100q", name)
		}
	}
	return ""
}
