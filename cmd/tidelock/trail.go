package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/secrets/audit"
)

// trail is the agent's audit trail: lines of its log, Events of Applications, and a
// metric.
func (p *parts) trail() *audit.Trail {
	return &audit.Trail{
		Log: p.log, Now: time.Now,
		Count: func(e audit.Event) {
			namespace, name := api.ParseInstanceName(e.Application, p.options.namespace)
			p.metrics.SecretUsed(namespace, name, e.Kind, e.Err == nil)
		},
		Say: func(e audit.Event) {
			if app := p.applications.Application(api.ParseInstanceName(e.Application, p.options.namespace)); app != nil {
				told := secretEvent(e)
				told.Message = p.known.RedactOf(e.Application, told.Message)
				p.events.Record(app, told)
			}
		},
		Gone: func(application string) {
			p.metrics.Forget(api.ParseInstanceName(application, p.options.namespace))
		},
	}
}

// Reasons of Events about secrets.
const (
	reasonOpened    = "SecretOpened"
	reasonNotOpened = "SecretNotOpened"
)

// secretEvent words what became of a secret.
func secretEvent(e audit.Event) event.Event {
	if e.Err != nil {
		return event.Event{Warning: true, Reason: reasonNotOpened, Message: fmt.Sprintf("cannot open %s: %s", e.What, e.Err)}
	}
	text := "opened " + e.What
	if len(e.Stores) > 0 {
		text = "read " + e.What + " from " + strings.Join(e.Stores, ", ")
	}
	if len(e.Keys) > 0 {
		text += " with " + strings.Join(e.Keys, ", ")
	}
	return event.Event{Reason: reasonOpened, Message: text}
}
