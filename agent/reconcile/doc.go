// Package reconcile makes one pass over one Application: commit, tree,
// manifests, secrets, changes, plan, apply, status, in this order. It is the
// only writer of Application status.
//
// Start with [Reconciler.Reconcile], which reads like that sentence. A pass
// never waits: what it waits for (health of a wave, a retry, a window) stands in
// status.operationState, and the pass that the next event starts goes on from
// there, in this process or in another (DESIGN.md D8).
package reconcile
