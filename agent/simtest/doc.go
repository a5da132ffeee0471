// Package simtest runs the whole engine, as it is, against an API server in
// memory and in virtual time: agent's queue, passes, applies and watches are the
// real ones; only Git with the renderers is a script, and the network a function
// (DESIGN.md sections 3 D11 and 5).
//
// It imports nothing of testing: the tests of the package do.
package simtest
