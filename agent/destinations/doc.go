// Package destinations reaches the clusters that Applications are for: the agent's own,
// and those that have a Secret (SEMANTICS.md 2.8).
//
// Start with [New]; Run keeps in touch with the clusters, and [Clusters.Resolve] and
// [Clusters.Reach] answer passes from memory, so that none of them waits for a cluster
// that does not answer.
//
// A cluster is connected to when the first Application needs it, and let go when none
// does any more, or its Secret goes. It has a watch set of its own (agent/cluster), and a
// writer (agent/apply). While it does not answer, requests to it fail at once, its
// watches wait, and what is known of its objects stays; it is asked again and again, and
// its Applications are looked at as soon as it answers.
package destinations
