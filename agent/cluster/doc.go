// Package cluster knows a destination cluster: what it serves, and the live
// state of the objects that we manage. It never writes.
//
// Start with [New], [Cluster.Watch] and [Cluster.Snapshot]. Watches select our
// label, so that memory grows with what we manage and not with the cluster; at
// ingest an object becomes a record of a few hundred bytes (DESIGN.md D7, and
// DRIFT.md for the rules and the traps).
package cluster
