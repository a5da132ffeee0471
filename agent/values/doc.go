// Package values reads what single Secrets and ConfigMaps hold, by their names, and
// tells who uses one when it has changed. Nothing else of a namespace is asked for:
// each object that is used is watched by itself, for as long as it is.
//
// What is a key or a credential of the agent is refused, whoever asks.
//
// Start with [Follower], or with [Reader] where nothing is to be followed.
package values
