package main

import (
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets/audit"
)

// trail is the agent's audit trail: lines of its log, and a metric.
func (p *parts) trail() *audit.Trail {
	return &audit.Trail{
		Log: p.log, Now: time.Now,
		Count: func(e audit.Event) {
			namespace, name := api.ParseInstanceName(e.Application, p.options.namespace)
			p.metrics.SecretUsed(namespace, name, e.Kind, e.Err == nil)
		},
		Gone: func(application string) {
			p.metrics.Forget(api.ParseInstanceName(application, p.options.namespace))
		},
	}
}
