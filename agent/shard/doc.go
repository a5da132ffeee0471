// Package shard divides the Applications among the replicas of an agent (DESIGN.md
// D12), none of which leads.
//
// Each replica holds a Lease of its own and follows those of the others. An
// Application falls to the one that rendezvous hashing names, so that who comes takes
// a share of each, and who goes leaves its own to all; between two who stay nothing
// moves. Nobody works on what another may be at, for of any two replicas
//
//   - the one that made its Lease later sees the other's in its first list, and does
//     nothing before that one has made room for it: ended its work on what falls to
//     the newcomer, and said so in its Lease;
//   - the one that takes the other for dead has deleted its Lease, as it was when it
//     was last renewed, a term ago; the other has ended its work after two thirds of
//     a term without a renewal, and comes back under another name.
//
// No clocks of two machines are compared. A replica that is told to end ends its
// work and deletes its Lease, and the others go on at once.
//
// Start with [Share]; what it knows of the others is a [Roster], which is pure.
package shard
