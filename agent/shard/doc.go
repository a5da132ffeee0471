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
//   - the one that is told to end says in its Lease that it leaves, what it is still
//     at, and how far it has seen what is written. It has begun nothing since, and will not. The
//     others go on with what it is not at as soon as they have seen as much, and with
//     the rest as the Lease says that it has ended; then the Lease is deleted;
//   - the one that takes the other for dead has deleted its Lease, as it was when it
//     was last renewed, and the other has ended its work by then, and comes back under
//     another name.
//
// # The dead
//
// A Lease says for how long it is good: a term, T. Who has it ends its work when it was
// not renewed for T/2, counted from when the last renewal that succeeded was begun. Who
// follows it takes it for dead when it has not seen it renewed for 2T/3, counted from
// when it saw the last one, and deletes the Lease at that version only. So
//
//   - no renewal was missed: had there been another, the deletion would have failed;
//   - the work has ended: a renewal is begun before it can be seen, so by one and the
//     same clock at least T/6 lie between the end of the work and the deletion, of which
//     what is under way to the API server is given half. The clocks of two machines are
//     never compared; but each measures its own span, and may run five in a hundred fast
//     or slow;
//   - the share of who is killed is another's within T: T/3 is left to delete the Lease
//     and to find out what the dead one has written.
//
// Work that has to end is told so, and what it has sent is given T/12 to be answered
// before it is cut off (traffic.Unbroken). A process that was stopped, or whose machine
// was, for longer than T/2 cannot be told before it goes on. It asks before each write
// whether what it works on is still its own (Fence), by the clock that says that more
// time has passed (the one that is counted, or the one that is shown), so it writes
// nothing after it wakes. What is left is a request that was stopped between that
// question and the system call that sends it, or that the API server itself holds on to
// after its sender has gone; a status written so names the version that it was made
// from, and is refused if anybody has written since.
//
// Start with [Share]; what it knows of the others is a [Roster], which is pure.
package shard
