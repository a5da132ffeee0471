// Package diff compares what Git states with what the cluster holds. It is
// pure: no cluster, no clock.
//
// Live objects come as records, [Live], which hold a [Digest] of the fields we
// own in place of the object (DESIGN.md D7; DRIFT.md has the rules and why).
// Start with [Compare].
package diff
