// Package shadow sets what this agent would say of Applications beside what Argo CD says
// of them: revision, sync status, health, object by object, and what this agent would
// change. It is pure: no cluster, no clock.
//
// Start with [Compare]; a [Ledger] keeps what was found of all of them, and tells for how
// long it has been so.
package shadow
