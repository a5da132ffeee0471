// Package diff compares what Git states with what the cluster holds. It is
// pure: no cluster, no clock.
//
// Live objects come as records, [Live], which hold a [Digest] of the fields we
// own in place of the object (DESIGN.md D7; DRIFT.md has the rules and why).
// What spec.ignoreDifferences names is left out of the digest: see [Ignore].
//
// Start with [Compare]. [Fields] tells what differs in one object, and who made
// it so.
package diff
