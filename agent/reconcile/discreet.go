package reconcile

import "slices"

// discreet takes secrets out of the texts of the status (DESIGN.md D4). No error
// should quote one to begin with; this is the last line of defence, against what
// API servers, webhooks and controllers make of what they are sent.
func (p *pass) discreet() {
	if p.r.Redact == nil {
		return
	}
	clean := func(text *string) {
		if *text != "" {
			*text = p.r.Redact(p.name, *text)
		}
	}
	for i := range p.status.Conditions {
		clean(&p.status.Conditions[i].Message)
	}
	clean(&p.status.Health.Message)
	p.discreetResources()
	op := p.status.OperationState
	if op == nil {
		return
	}
	if clean(&op.Message); op.SyncResult == nil {
		return
	}
	for i := range op.SyncResult.Resources {
		clean(&op.SyncResult.Resources[i].Message)
	}
}

// discreetResources changes copies: the list may be that of the next pass, too.
func (p *pass) discreetResources() {
	for i, resource := range p.status.Resources {
		if resource.Health == nil || resource.Health.Message == "" {
			continue
		}
		health := *resource.Health
		if health.Message = p.r.Redact(p.name, health.Message); health.Message == resource.Health.Message {
			continue
		}
		p.status.Resources = slices.Clone(p.status.Resources)
		p.status.Resources[i].Health = &health
	}
}
