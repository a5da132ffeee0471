// Package peers has the replicas of an agent talk to each other: what one knows of its
// share of the Applications, and what was announced to it, the others may have to know
// at once.
//
// They trust each other by their Leases. Each process makes itself a key and a
// certificate when it starts, and its Lease holds the certificate's print; both ends of
// a connection prove to have the key of a certificate whose print a Lease holds. Who may
// write Leases in the agent's namespace is let in, and nobody else.
//
// Questions and answers are JSON, bounded in size, number and time. Start with [New].
package peers
