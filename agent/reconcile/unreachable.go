package reconcile

// unreachable reports that the destination does not answer. Nothing is rendered for a
// cluster of which nobody knows what it serves by now; what was known of health stays,
// and so does all that is live. The Application is woken when the cluster is back.
func (p *pass) unreachable() {
	p.unknown(p.to.away)
	p.failed = false
	p.broken(p.to.away.Error())
	p.r.claims.failed(p.name, p.moves, p.now.Time)
}
